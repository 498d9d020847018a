"""Where the newest sessions of others lead from the items at hand, seconds after they happened."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from serving.services import Services


async def fresh_sessions(services: Services, at_hand: Mapping[str, float], own: Sequence[str]) -> dict[str, float]:
    """Item → strength, from the sessions of others that hold an item at hand; those of the ids `own` do not count."""
    newest_last = sorted(at_hand, key=lambda item: at_hand[item])
    return strengths(await services.now.fresh(newest_last, own), at_hand)


def strengths(sessions: Iterable[Sequence[str]], at_hand: Mapping[str, float]) -> dict[str, float]:
    """Σ over the sessions of the weight of the items at hand in it, shared among its items by the root of their
    number: a long session says less about any two of them."""
    sums: defaultdict[str, float] = defaultdict(float)
    for session in sessions:
        items = set(session)
        weight = sum(at_hand[item] for item in items & at_hand.keys()) / len(items) ** 0.5
        for item in items - at_hand.keys():
            sums[item] += weight
    return dict(sums)
