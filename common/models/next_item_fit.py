"""Fits the next-item model: tunes and weighs on the newest sessions held out, then builds the index from all.

Bounded: one index for each of `Build`'s choices, `QUESTIONS` questions each. Half of the questions fit the weights, the
other half judges the choice; the weights served are fitted on both. Nothing is taken from data newer than the sessions.
What is chosen is judged beside popularity and, if given, a rival's way to build and weigh, on the same half.

The logit makes the next item likely, which is not yet Recall@20: so some of the weight of "recent items, then
sequential rules" is added to what it found, and of these blends one is taken that is below those rules neither in
recall nor in reciprocal rank. The rules alone are one of them, so that there is always one.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from common.models import conditional_logit
from common.models.next_item import SIGNALS, best, candidates
from common.models.session_index import Build, SessionIndex, build, shortened
from common.models.sparse_rows import Floats, Ints, ranges

TAIL = 0.08  # share of the sessions held out to tune on
QUESTIONS = 6000
ENOUGH = 200  # fewer questions fit nothing: the default weights serve
CHOICES = (Build(half_life=0.17), Build(half_life=1.0))
LENGTH = 20  # of the answers that are judged
RULES = SIGNALS.index("rules-place")
ADDED = (0.0, 0.25, 0.5, 1.0, 2.0, math.inf)  # to the weight of the rules; the last: nothing but the rules
DEFAULTS = {"neighbours": 0.3, "next": 0.15, "after": 0.15, "before": 0.05, "near2": 0.15, "near3": 0.1}
DEFAULTS |= {"popular-week": 0.1, "again-2": 1.0, "again-3": 0.5, "again-4": 0.5, "again-earlier": 0.5}

Say = Callable[[str], None]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sessions:
    """Sessions oldest first: flat item numbers with offsets, and a time for each that never decreases."""

    offsets: Ints
    items: Ints
    times: Floats
    n_items: int

    def part(self, first: int, last: int) -> "Sessions":
        """Sessions first … last − 1, their items numbered as before."""
        bounds = self.offsets[first : last + 1]
        return Sessions(bounds - bounds[0], self.items[bounds[0] : bounds[-1]], self.times[first:last], self.n_items)

    def index(self, how: Build) -> SessionIndex:
        """The index of these sessions."""
        return build(self.offsets, self.items, self.times, self.n_items, how)


@dataclass(frozen=True)
class Asked:
    """Questions of held-out sessions: what had been seen, and the item that came next."""

    seen: list[Ints]
    target: Ints


class Rival(NamedTuple):
    """Another model's way: the `str` of its `Build`, and its weights."""

    how: str
    weights: Floats


@dataclass(frozen=True)
class Judged:
    """Of each question that judged, whether the answer held the target: what is chosen, popularity (the best of its
    half-lives), the rival. `since`: time of the oldest session that was asked about."""

    asked: Asked
    since: float
    ours: Bools
    popularity: Bools
    rival: Bools | None


@dataclass(frozen=True)
class Model:
    """What is served, and what the search found: Recall@20 and MRR@20 of each choice."""

    index: SessionIndex
    weights: Floats
    chosen: Build
    found: dict[str, tuple[float, float]]
    judged: Judged | None = None


class Tried(NamedTuple):
    """Weights fitted on all questions; of those fitted on half, the target's ranks in the answers to the other half."""

    weights: Floats
    ranks: list[int]
    rules: list[int]
    popular: Bools
    rival: Bools | None


def fit(
    sessions: Sessions, choices: tuple[Build, ...] = CHOICES, say: Say = lambda _: None, rival: Rival | None = None
) -> Model:
    """The model of these sessions."""
    n = len(sessions.offsets) - 1
    cut = n - int(n * TAIL)
    head, asked = sessions.part(0, cut), questions(sessions, cut, QUESTIONS)
    if len(asked.target) < ENOUGH:
        return Model(sessions.index(choices[0]), default_weights(), choices[0], {})
    tried = []
    for how in choices:
        done = _tried(head.index(how), asked, rival.weights if rival and rival.how == str(how) else None)
        recall, mrr = figures(done.ranks)
        rules = "rules alone {:.3f}, {:.3f}".format(*figures(done.rules))
        say(f"{how}: Recall@20 {recall:.3f}, MRR@20 {mrr:.3f} on {len(asked.target) // 2} held out ({rules})")
        tried.append((recall + mrr, how, done, (recall, mrr)))
    _, chosen, winner, _ = max(tried, key=lambda trial: trial[0])
    theirs = next((done.rival for _, _, done, _ in tried if done.rival is not None), None)
    half = Asked(asked.seen[1::2], asked.target[1::2])
    judged = Judged(half, float(sessions.times[cut]), np.array(winner.ranks) > 0, winner.popular, theirs)
    found = {str(how): both for _, how, _, both in tried}
    return Model(sessions.index(chosen), winner.weights, chosen, found, judged)


def questions(sessions: Sessions, cut: int, most: int) -> Asked:
    """Every step of the sessions from `cut` on, `most` of them evenly; items that the others lack are left out."""
    known = np.zeros(sessions.n_items, bool)
    known[sessions.items[: sessions.offsets[cut]]] = True
    tail = sessions.part(cut, len(sessions.offsets) - 1)
    offsets, items = shortened(tail.offsets, tail.items)
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[known[items]]
    items = items[known[items]]
    first = np.searchsorted(owner, owner)
    steps = np.flatnonzero(np.arange(len(items)) > first)
    chosen = steps[np.linspace(0, len(steps) - 1, min(most, len(steps))).astype(int)] if len(steps) else steps
    return Asked([items[first[step] : step] for step in chosen], items[chosen])


def default_weights() -> Floats:
    """Weights that order sensibly before there is enough to fit any."""
    return np.array([DEFAULTS.get(name, 0.0) for name in SIGNALS])


def _tried(index: SessionIndex, asked: Asked, rival: Floats | None) -> Tried:
    """Fits on every second question and judges by the others; fits on all."""
    found = [candidates(index, seen) for seen in asked.seen]
    place = [int(np.searchsorted(one.items, target)) for one, target in zip(found, asked.target, strict=True)]
    hit = np.array([p < len(f.items) and f.items[p] == t for f, p, t in zip(found, place, asked.target, strict=True)])
    signals = np.concatenate([one.signals.astype(np.float32) for one in found])
    lengths = np.array([len(one.items) for one in found])
    starts = np.cumsum(lengths) - lengths

    def fitted(which: Ints) -> Floats:
        rows = signals if len(which) == len(lengths) else signals[ranges(starts[which], lengths[which])]
        begins = np.cumsum(lengths[which]) - lengths[which]
        return conditional_logit.fit(rows, begins, begins + np.array(place)[which])

    numbers = np.arange(len(found))
    weights = fitted(numbers[hit & (numbers % 2 == 0)])

    def ranks(weights: Floats) -> list[int]:
        return [rank(best(found[n], weights, LENGTH), int(asked.target[n])) for n in numbers[1::2]]

    tried = {added: ranks(with_rules(weights, added)) for added in ADDED}
    added = not_below_the_rules(tried)
    theirs = None if rival is None else np.array(ranks(rival)) > 0
    popular = most_popular(index, asked.target[1::2])
    return Tried(with_rules(fitted(numbers[hit]), added), tried[added], tried[math.inf], popular, theirs)


def with_rules(weights: Floats, added: float) -> Floats:
    """The weights with so much more of the rules; nothing else where that is infinite."""
    only = np.zeros(len(SIGNALS))
    only[RULES] = added if added < math.inf else 1.0
    return weights + only if added < math.inf else only


def not_below_the_rules(ranks: Mapping[float, list[int]]) -> float:
    """Of the blends, by what was added, the best by the sum of recall and reciprocal rank, none of the two being
    below those of the rules, which stand at infinity."""
    both = {added: figures(places) for added, places in ranks.items()}
    least = both[math.inf]
    fit = [added for added, (recall, mrr) in both.items() if recall >= least[0] and mrr >= least[1]]
    return max(fit, key=lambda added: sum(both[added]))


def most_popular(index: SessionIndex, targets: Ints) -> Bools:
    """Which targets are among the `LENGTH` most popular items, by the half-life that has most of them there."""
    tops = np.argsort(-index.popular, axis=0, kind="stable")[:LENGTH].T
    hits = [np.isin(targets, top) for top in tops]
    return max(hits, key=lambda one: int(one.sum()))


def rank(answer: list[tuple[int, float]], target: int) -> int:
    """The target's place in the answer, from 1; 0 when it is not there."""
    return next((n for n, (item, _) in enumerate(answer, 1) if item == target), 0)


def figures(ranks: list[int]) -> tuple[float, float]:
    """Recall and mean reciprocal rank."""
    places = np.array(ranks)
    hit = places > 0
    return float(hit.mean()), float((hit / np.maximum(places, 1)).mean())
