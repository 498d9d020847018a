"""Which article a user looks at: P(item) ∝ taste(category) · taste(style) · appeal(item) · price fit.

Category and style come from the user's taste, the article from its appeal within the two, and the price fit
exp(-½ ((level of item - level of user) / 0.8)²) by rejection: exact up to `TRIES` proposals, any number of
users and articles, a few microseconds. Appeal drifts: log popularity is a slow random walk that is drawn
back to where it began (an Ornstein-Uhlenbeck process with a minute's step).
"""

import math
from bisect import bisect
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from local.simulator.catalog import STYLES, Catalog
from local.simulator.shoppers import Shoppers

TRIES = 12
PRICE_WIDTH = 0.8
DRIFT_PER_MINUTE = 0.03
RETURN_PER_MINUTE = 0.002


def uniforms(rng: np.random.Generator) -> Callable[[], float]:
    """Draws from [0, 1), made in blocks: forty times as fast as asking the generator for each."""

    def draws() -> Iterator[float]:
        while True:
            yield from rng.random(1 << 14).tolist()

    return draws().__next__


class Choice:
    """Draws articles; `drift` moves the appeal by a minute."""

    def __init__(self, catalog: Catalog, shoppers: Shoppers, rng: np.random.Generator) -> None:
        self._shoppers, self._rng = shoppers, rng
        self._draw = uniforms(rng)
        self._mean = catalog.appeal.copy()
        self.appeal = catalog.appeal.copy()
        self._level: list[float] = catalog.price_level.tolist()
        segments: dict[int, list[int]] = {}
        for item, (category, style) in enumerate(zip(catalog.category, catalog.style, strict=True)):
            segments.setdefault(category * len(STYLES) + style, []).append(item)
        self._segments = segments
        self._cdf: dict[int, list[float]] = {}
        self._weigh()

    def drift(self) -> None:
        """One minute of the random walk."""
        step = self._rng.normal(0.0, DRIFT_PER_MINUTE, len(self.appeal))
        self.appeal += RETURN_PER_MINUTE * (self._mean - self.appeal) + step
        self._weigh()

    def _weigh(self) -> None:
        weight = np.exp(self.appeal)
        for segment, items in self._segments.items():
            cdf = np.cumsum(weight[items])
            self._cdf[segment] = (cdf / cdf[-1]).tolist()

    def category(self, user: int) -> int:
        """A category by the user's taste."""
        return _pick(self._shoppers.category_cdf[user].tolist(), self._draw())

    def item(self, user: int, category: int) -> int:
        """An article of this category by the user's style, its appeal and the price fit."""
        draw = self._draw
        level = self._shoppers.price_level[user]
        styles = self._shoppers.style_cdf[user].tolist()
        segment = category * len(STYLES) + _pick(styles, draw())
        if segment not in self._segments:
            segment = self._nearest(segment)
        items, cdf = self._segments[segment], self._cdf[segment]
        item = items[0]
        for _ in range(TRIES):
            item = items[_pick(cdf, draw())]
            away = (self._level[item] - level) / PRICE_WIDTH
            if draw() < math.exp(-0.5 * away * away):
                break
        return item

    def chances(self, user: int) -> NDArray[np.float64]:
        """P(item | user) of every article: what `category` and then `item` draw, in closed form.

        Within a segment, with p the share of an article's appeal, f its price fit and A = Σ p f the chance that a
        proposal is taken, T proposals end at it with p f (1 − (1 − A)^T) / A + p (1 − f) (1 − A)^(T − 1).
        """
        level = np.array(self._level)
        fits = np.exp(-0.5 * ((level - self._shoppers.price_level[user]) / PRICE_WIDTH) ** 2)
        found = np.zeros(len(level))
        tastes = np.outer(self._shoppers.category_taste[user], self._shoppers.style_taste[user]).ravel()
        for segment, taste in enumerate(tastes.tolist()):
            items = self._segments[segment if segment in self._segments else self._nearest(segment)]
            share, fit = np.exp(self.appeal[items]), fits[items]
            share /= share.sum()
            taken = float(share @ fit)
            missed = 1.0 - taken
            found[items] += taste * share * (fit * (1 - missed**TRIES) / taken + (1 - fit) * missed ** (TRIES - 1))
        return found

    def _nearest(self, segment: int) -> int:
        """A segment with articles: of the same category where a small shop has one."""
        category = segment // len(STYLES)
        return min(self._segments, key=lambda s: (s // len(STYLES) != category, abs(s - segment)))


def _pick(cdf: list[float], u: float) -> int:
    return min(bisect(cdf, u), len(cdf) - 1)
