"""Trending keywords: counts and baselines → the list that is served. The maths is `common.models.trend`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.config import KeywordsConfig
from common.models.keyword_text import Keyword, blocked
from common.models.trend import EVEN, expected, exposure, level, score


@dataclass(frozen=True)
class Baselines:
    """What is usual at the window's end (epoch minute `as_of`).

    `seen`: S of the candidates that are remembered. `mass`: M. `floor`: the least S of a full memory, which is the
    most that a forgotten keyword can have. `hours`: 24 hour-of-day factors, UTC. `level`: how much busier the shop
    is than usual (`shop_level`).
    """

    as_of: int
    seen: Mapping[str, float]
    mass: float
    floor: float = 0.0
    hours: Sequence[float] = EVEN
    level: float = 1.0

    def of(self, keys: Sequence[str]) -> npt.NDArray[np.float64]:
        """S of each."""
        return np.array([self.seen.get(key, self.floor) for key in keys], float)

    def window(self, minutes: int) -> float:
        """Exposure of the window that ends at `as_of`."""
        return self.level * exposure(self.as_of - minutes + 1, minutes, self.hours)


@dataclass(frozen=True)
class Trending:
    """One line as answered: distinct searchers of the window, how many are usual, the z, and searchers by the
    usual (at least one)."""

    rank: int
    keyword: str
    searches: int
    baseline: float
    score: float
    change: float


def shop_level(counts: Mapping[str, float], baselines: Baselines, config: KeywordsConfig) -> float:
    """`common.models.trend.level` of these counts."""
    keys = [key for key, count in counts.items() if count >= config.min_users]
    usual = expected(baselines.of(keys), baselines.mass, baselines.window(config.window_minutes), config)
    return level([counts[key] for key in keys], usual)


def rising(
    counts: Mapping[str, float], baselines: Baselines, config: KeywordsConfig
) -> list[tuple[str, float, float, float]]:
    """(key, count, expected, z) of the candidates that are a trend, most improbable first, equals by key.

    `counts` may be upper bounds: z grows with the count, so that whatever is a trend is among the answers.
    """
    keys = [key for key, count in counts.items() if count >= config.min_users]
    seen, window = baselines.of(keys), baselines.window(config.window_minutes)
    n = np.array([counts[key] for key in keys], float)
    usual, z = expected(seen, baselines.mass, window, config), score(n, seen, baselines.mass, window, config)
    rows = zip(keys, n.tolist(), usual.tolist(), z.tolist(), strict=True)
    return sorted((row for row in rows if row[3] >= config.min_score), key=lambda row: (-row[3], row[0]))


def trending(
    counts: Mapping[str, float],
    baselines: Baselines,
    forms: Mapping[str, str],
    blocklist: frozenset[str],
    config: KeywordsConfig,
) -> list[Trending]:
    """The list, shown in `forms` (key → most used form; the key itself without), nothing of the blocklist."""
    rows = [
        row for row in rising(counts, baselines, config) if not blocked(Keyword(row[0], _form(row, forms)), blocklist)
    ]
    return [
        Trending(rank, _form(row, forms), round(row[1]), round(row[2], 3), round(row[3], 3), _change(row))
        for rank, row in enumerate(rows, start=1)
    ]


def _form(row: tuple[str, float, float, float], forms: Mapping[str, str]) -> str:
    return forms.get(row[0], row[0])


def _change(row: tuple[str, float, float, float]) -> float:
    return round(row[1] / max(row[2], 1.0), 3)
