"""The newest users of each item → Redis, so that sessions newer than the session index count within seconds.

One capped sorted set an item, a member a user, its score the time of the user's newest action; what those users saw
stands in their own user facts. A member goes when it is `seconds` older than what is written, a set `seconds` after the
last write: an id stands for twice as long at most. Writing a batch twice changes nothing: the newer time stays. The
step: fresh.lua.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.events import MAX_AHEAD_MS
from common.keys import Keys
from common.sinks.scripts import lua

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class FreshWriter:
    """What an executor needs to write them; picklable. `kept` 0 writes none."""

    prefix: str
    kept: int
    seconds: int
    rows_per_call: int

    def write(self, client: "Redis", users: Sequence[str], items: Sequence[str], values: Sequence[str]) -> None:
        """Values of user facts ('counts|newest ms|price') of the same rows; rows without an item are passed over."""
        if self.kept == 0:
            return
        newest: dict[str, dict[str, int]] = {}
        for user, item, value in zip(users, items, values, strict=True):
            if item:
                time, known = int(value.split("|", 2)[1]), newest.setdefault(item, {})
                if time > known.get(user, -1):
                    known[user] = time
        script, keys = client.register_script(lua("fresh")), Keys(self.prefix)
        pipe, waiting = client.pipeline(transaction=False), 0
        for item, seen in newest.items():
            pairs = sorted(((time, user) for user, time in seen.items()), reverse=True)[: self.kept]
            args = [self.kept, self.seconds, *(part for pair in pairs for part in pair)]
            script(keys=[keys.fresh(item)], args=args, client=pipe)
            waiting += len(pairs)
            if waiting >= self.rows_per_call:
                pipe.execute()
                waiting = 0
        pipe.execute()


def forget_fresh(client: Any, keys: Keys, item: str, user: str, asked_ms: int) -> Any:
    """Takes a user off an item's newest (fresh_forget.lua); an event's time may be `MAX_AHEAD_MS` past its arrival."""
    return client.eval(lua("fresh_forget"), 1, keys.fresh(item), user, asked_ms + MAX_AHEAD_MS)
