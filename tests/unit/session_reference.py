"""The next-item signals in plain Python, item by item, from their definitions."""

import math
from collections import defaultdict
from collections.abc import Sequence

from common.models.session_neighbours import BACKWARDS, NEIGHBOURS, SEEN_FADE

Session = Sequence[int]
Table = dict[int, dict[int, float]]


class Reference:
    """Sessions oldest first, one a unit of time."""

    def __init__(self, sessions: list[Session], recent: int, half_life: float, n_items: int) -> None:
        last = len(sessions) - 1
        self.sessions, self.recent, self.n_items = sessions, recent, n_items
        self.weight = [2 ** (-(last - n) / max(last, 1e-9) / half_life) for n in range(len(sessions))]
        self.after: Table = defaultdict(lambda: defaultdict(float))
        self.before: Table = defaultdict(lambda: defaultdict(float))
        for session, weight in zip(sessions, self.weight, strict=True):
            for i, item in enumerate(session):
                for j in range(i + 1, min(len(session), i + 11)):
                    if session[j] != item:
                        self.after[item][session[j]] += weight / (j - i)
                        self.before[session[j]][item] += weight / (j - i)

    def sessions_with(self, item: int) -> list[int]:
        """All sessions with the item, newest first."""
        return [n for n in reversed(range(len(self.sessions))) if item in self.sessions[n]]

    def rarity(self, item: int) -> float:
        return math.log1p(len(self.sessions) / max(1, len(self.sessions_with(item))))

    def seen(self, query: Session) -> list[int]:
        return list(dict.fromkeys(reversed(query[-50:])))

    def neighbours(self, query: Session, fade: float, fresh: Sequence[Session] = ()) -> dict[int, float]:
        """Scores of the items of all neighbours; no more than `NEIGHBOURS` sessions may qualify."""
        seen = self.seen(query)[:10]
        rarest = max(self.rarity(item) for item in range(self.n_items))
        scores: dict[int, float] = defaultdict(float)
        found: list[tuple[Session, float, list[int]]] = []
        for n, session in enumerate(self.sessions):
            both = [i for i in seen if i < self.n_items and n in self.sessions_with(i)[: self.recent]]
            found.append((session, self.weight[n], both))
        found += [(session, 1.0, [item for item in seen if item in session]) for session in fresh]
        assert sum(bool(both) for _, _, both in found) <= NEIGHBOURS
        for session, weight, both in found:
            if not both:
                continue
            rare = {i: self.rarity(i) if i < self.n_items else rarest for i in both}
            similarity = sum(SEEN_FADE ** seen.index(i) * math.sqrt(rare[i]) for i in both)
            similarity *= weight / math.sqrt(len(session))
            matched = max(place for place, item in enumerate(session) if item == both[0])
            for place, item in enumerate(session):
                away = place - matched
                if away:
                    scores[item] += similarity * (1.0 if away > 0 else BACKWARDS) * fade ** (abs(away) - 1)
        return dict(scores)

    def walk(self, steps: int) -> Table:
        """Probabilities of walks that start and end at different items, each step's stopovers being all."""
        step: Table = {}
        for item in range(self.n_items):
            row: dict[int, float] = defaultdict(float)
            for table in (self.after, self.before):
                for other, value in table[item].items():
                    row[other] += value
            step[item] = {other: value / sum(row.values()) for other, value in row.items()}
        at = step
        for _ in range(steps - 1):
            further: Table = {item: defaultdict(float) for item in at}
            for item, row in at.items():
                for middle, share in row.items():
                    for other, value in step[middle].items():
                        if other != item:
                            further[item][other] += share * value
            at = further
        return at
