"""The profile of one user: what they look at, what they spend, how they browse, what they saw last.

Enters: user facts (counts by item and minute), the collector's recent list with
the last seconds, and the batch layer's long-term profile: a JSON object with `categories` {category: weight}
and `prices` [low, typical, high], each optional.

Leaves: category weights that sum to 1. An action counts its type's weight, halved every `half_life_minutes`
before the user's newest action (not before now: a replay of old data has a profile too, and normalised
weights are the same). The long-term profile gets LONG_TERM_SHARE of the weight where both are known. Prices
don't decay, since what somebody spends changes more slowly than what they look at; the long-term prices
weigh as much as all the recent ones together. No record at all is an empty profile, not an error.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from common.config import ProfileConfig
from common.views.actions import MINUTE_MS, Action, UserFact, merge

LONG_TERM_SHARE = 0.2
BAND = {"low": 0.1, "typical": 0.5, "high": 0.9}


@dataclass(frozen=True)
class Profile:
    """`actions` newest first; `categories` best first, weights sum to 1; `current_category` is of the newest
    action."""

    actions: tuple[Action, ...]
    categories: Mapping[str, float]
    current_category: str | None
    price_band: Mapping[str, float | None]
    facts: Sequence[UserFact] = ()

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often each event type; worked out when asked for, as recommendations don't."""
        return _total(_counts(self.facts, self.actions))

    @cached_property
    def by_hour(self) -> Counter[int]:
        """How many actions in each hour of the day (UTC), all types."""
        hours: Counter[int] = Counter()
        for minute, counts in _counts(self.facts, self.actions).items():
            hours[minute // 60 % 24] += counts.total()
        return hours

    @property
    def active_hour(self) -> int | None:
        """Hour of the day (UTC) with the most actions."""
        return busiest(self.by_hour)

    def since(self, time_ms: int) -> "Profile":
        """The same with what was done from a moment on only, the start of a minute."""
        facts = [fact for fact in self.facts if fact.minute * MINUTE_MS >= time_ms]
        return replace(self, actions=tuple(a for a in self.actions if a.time_ms >= time_ms), facts=facts)

    @property
    def interest_category(self) -> str | None:
        return next(iter(self.categories), None)

    @property
    def as_of_ms(self) -> int | None:
        return self.actions[0].time_ms if self.actions else None

    @property
    def purchased(self) -> frozenset[str]:
        return frozenset(action.item_id for action in self.actions if action.event_type == "purchase")


def profile(
    facts: Sequence[UserFact], recent: Sequence[Action], long_term: Mapping[str, Any], config: ProfileConfig
) -> Profile:
    """The profile; see the module for what enters."""
    actions = merge(facts, recent)
    return Profile(
        actions=tuple(actions),
        categories=_categories(actions, long_term.get("categories", {}), config),
        current_category=next((action.category for action in actions if action.category), None),
        price_band=_price_band(actions, long_term.get("prices", ()), config),
        facts=facts,
    )


def _categories(actions: Iterable[Action], long_term: Mapping[str, float], config: ProfileConfig) -> dict[str, float]:
    short: defaultdict[str, float] = defaultdict(float)
    newest: int | None = None
    for action in actions:
        newest = action.time_ms if newest is None else newest
        weight = config.weights.get(action.event_type, 0.0)  # type: ignore[call-overload]
        if action.category and weight > 0:
            age = (newest - action.time_ms) / MINUTE_MS
            short[action.category] += weight * 2.0 ** (-age / config.half_life_minutes)
    return mixed(short, long_term)


def mixed(short: Mapping[str, float], long_term: Mapping[str, float]) -> dict[str, float]:
    """Shares of the weights of both, best first; the long term has LONG_TERM_SHARE of them where both are known."""
    now, long = normalised(short), normalised(long_term)
    share = LONG_TERM_SHARE if now and long else float(not now)
    both = {name: (1 - share) * now.get(name, 0.0) + share * long.get(name, 0.0) for name in now.keys() | long.keys()}
    return dict(sorted(normalised(both).items(), key=lambda entry: (-entry[1], entry[0])))


def normalised(weights: Mapping[str, float]) -> dict[str, float]:
    """The positive weights over their sum."""
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items() if weight > 0} if total > 0 else {}


def _price_band(
    actions: Iterable[Action], long_term: Sequence[float], config: ProfileConfig
) -> dict[str, float | None]:
    points = [
        (action.price, config.weights.get(action.event_type, 0.0))  # type: ignore[call-overload]
        for action in actions
        if action.price is not None and action.price > 0
    ]
    total = sum(weight for _, weight in points) or 1.0
    points += [(price, total / len(long_term)) for price in long_term if price > 0]
    points = sorted((price, weight) for price, weight in points if weight > 0)
    return {name: weighted_quantile(points, share) for name, share in BAND.items()}


def weighted_quantile(points: Sequence[tuple[float, float]], share: float) -> float | None:
    """The least value at or below which lies `share` of the weight; `points` (value, weight) sorted by
    value."""
    left = share * sum(weight for _, weight in points)
    for value, weight in points:
        left -= weight
        if left <= 1e-12:
            return value
    return points[-1][0] if points else None


def _counts(facts: Iterable[UserFact], actions: Iterable[Action]) -> dict[int, Counter[str]]:
    """minute → counts. A fact may lag behind the collector, whose list may lack some: of one kind on one item in one
    minute the larger number is right. Actions without an event_id are the facts' own."""
    counted: Counter[tuple[int, str, str, str]] = Counter()
    for fact in facts:
        for kind, count in fact.counts.items():
            counted[fact.minute, fact.category, fact.item_id, kind] += count
    known = Counter((a.time_ms // MINUTE_MS, a.category, a.item_id, a.event_type) for a in actions if a.event_id)
    per_minute: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for (minute, _, _, kind), count in (counted | known).items():
        per_minute[minute][kind] += count
    return per_minute


def _total(per_minute: Mapping[int, Counter[str]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counts in per_minute.values():
        total.update(counts)
    return dict(sorted((name, count) for name, count in total.items() if count > 0))


def busiest(hours: Mapping[int, int]) -> int | None:
    """The hour with the most actions, the earliest of equals."""
    busy = [(-count, hour) for hour, count in hours.items() if count > 0]
    return min(busy)[1] if busy else None
