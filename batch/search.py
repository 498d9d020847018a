"""The bounded search of parameters: successive halving of ALS settings, then the item-item model and its share.

Settings are spread over the logarithms of the ranges by a Halton sequence (Halton 1960), the configuration's own
first among them. Each is trained with half the rank and a quarter of the iterations; the better third with half of
both, the best third of those in full, which is what costs (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm
Identification"). With the best, every regularisation of the item-item model is trained once and judged with every
share. Bounded by `trials` and by `minutes`: after them nothing new begins. Judged on held-out actions that no later
judgement sees.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from batch.held_out import HeldOut, known_users
from batch.registry import version_name
from batch.training import train_als, train_item_item
from common.config_models import AlsConfig, SearchConfig
from common.models.recommender import ModelStore

KEPT = 3  # one in so many goes on
RUNGS = ((4, 2), (2, 2), (1, 1))  # divisors of the iterations and of the rank
SEARCHED = ("rank", "iterations", "regularization", "alpha", "share")

Judge = Callable[[AlsConfig], float]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Tried:
    """One trial and its nDCG."""

    als: AlsConfig
    ndcg: float

    def noted(self) -> dict[str, Any]:
        """For the table of runs."""
        found = {name: getattr(self.als, name) for name in SEARCHED}
        return found | {"item_item_regularization": self.als.item_item.regularization, "ndcg": round(self.ndcg, 5)}


def search(held: HeldOut, als: AlsConfig, store: ModelStore, say: Say = lambda _: None) -> list[Tried]:
    """All that was tried, the best last; each `als` has the rank and iterations of the configuration."""
    deadline, version = time.monotonic() + 60 * als.search.minutes, version_name()
    trained = list[AlsConfig]()

    def judge_als(tried: AlsConfig) -> float:
        trained.append(tried)
        train_als(held.data, tried, store, version)
        return _said(Tried(tried, known_users(held.judged(store, version, 1.0)).ndcg), say)

    try:
        tried = halving(settings(als), judge_als, lambda: time.monotonic() > deadline)
        best = tried[-1].als
        if trained[-1] != best:
            train_als(held.data, best, store, version)
        blends = _blends(held, best, store, version, say, lambda: time.monotonic() > deadline) if als.share < 1 else []
        return [*tried, *sorted(blends, key=lambda one: one.ndcg)]
    finally:
        store.remove(version)


def halving(start: Iterable[AlsConfig], judge: Judge, late: Callable[[], bool]) -> list[Tried]:
    """Trials in the order of rungs, then of quality; at least one, the last one with all iterations set."""
    alive, tried = list(start), list[Tried]()
    for of_iterations, of_rank in RUNGS:
        rung = []
        for als in alive:
            if tried and late():
                break
            short = replace(als, iterations=max(1, als.iterations // of_iterations), rank=max(1, als.rank // of_rank))
            rung.append(Tried(als, judge(short)))
            tried = [*tried, rung[-1]]
        ordered = sorted(rung, key=lambda one: one.ndcg)
        if ordered:
            tried = [*tried[: -len(rung)], *ordered]
            alive = [one.als for one in reversed(ordered)][: math.ceil(len(ordered) / KEPT)]
    return tried


def settings(als: AlsConfig) -> list[AlsConfig]:
    """`trials` settings, the first the configuration's own."""
    wide = als.search
    spread = [
        replace(
            als,
            regularization=_between(wide.regularization, radical_inverse(n, 2)),
            alpha=_between(wide.alpha, radical_inverse(n, 3)),
        )
        for n in range(1, max(1, wide.trials))
    ]
    return [als, *spread]


def radical_inverse(n: int, base: int) -> float:
    """The digits of `n` in `base` mirrored at the point: a Halton sequence's coordinate, 0 to 1."""
    value, scale = 0.0, 1.0
    while n:
        n, digit = divmod(n, base)
        scale /= base
        value += digit * scale
    return value


def _between(ends: list[float], part: float) -> float:
    least, most = map(math.log, ends)
    return float(f"{math.exp(least + part * (most - least)):.3g}")


def _blends(
    held: HeldOut, best: AlsConfig, store: ModelStore, version: str, say: Say, late: Callable[[], bool]
) -> list[Tried]:
    wide: SearchConfig = best.search
    found = list[Tried]()
    for regularization in wide.item_item_regularization:
        if found and late():
            break
        als = replace(best, item_item=replace(best.item_item, regularization=regularization))
        train_item_item(held.data, als, store, version).unpersist()
        for share in wide.shares:
            tried = Tried(replace(als, share=share), 0.0)
            ndcg = known_users(held.judged(store, version, share)).ndcg
            found.append(replace(tried, ndcg=ndcg))
            _said(found[-1], say)
    return found


def _said(tried: Tried, say: Say) -> float:
    say(", ".join(f"{name} {value:g}" for name, value in tried.noted().items()))
    return tried.ndcg
