"""What other users did around an item lately, from their user facts: sessions newer than the session index."""

from collections.abc import Collection, Iterable, Mapping

from common.keys import SEPARATOR

ITEMS = 3  # of the session: the last ones, whose newest users are asked for
LONGEST = 20  # items of such a session, the newest
FACTS = 2 * LONGEST  # of a user, the newest: a fact is an item and minute
SEEN = 5  # counts that say an item was seen: views, clicks, carts, wishes, purchases stand first

Seen = list[tuple[int, str]]  # epoch ms, item


def newest_seen(fields: Mapping[bytes, bytes]) -> Seen:
    """What a user saw in the `FACTS` newest facts, oldest first.

    `fields` is the user's hash as the stream leaves it; they begin with their minute. One that is none is passed over.
    """
    newest = sorted(fields)[-FACTS:]
    return sorted(found for field in newest if (found := _action(field, fields[field])) is not None)


def sessions(actions: Seen, gap_ms: int) -> list[list[str]]:
    """Sessions of a user's `newest_seen`: items oldest first, an item and minute once, the newest `LONGEST` of them.

    A session ends after `gap_ms` without an action; one of one item says nothing.
    """
    found: list[list[str]] = []
    before = None
    for time, item in actions:
        if before is None or time - before > gap_ms:
            found.append([])
        before = time
        if not found[-1] or found[-1][-1] != item:
            found[-1].append(item)
    return [items[-LONGEST:] for items in found if len(items) > 1]


def holding(sessions: Iterable[list[str]], around: Collection[str]) -> list[list[str]]:
    """The sessions that hold an item of `around`."""
    wanted = set(around)
    return [items for items in sessions if not wanted.isdisjoint(items)]


def _action(field: bytes, value: bytes) -> tuple[int, str] | None:
    try:
        item = field.decode().split(SEPARATOR)[2]
        counts, last_ms, _ = value.decode().split("|")
        if item and any(count != "0" for count in counts.split(",")[:SEEN]):
            return int(last_ms), item
    except (ValueError, IndexError):
        pass
    return None
