"""The published model in memory: from the items that somebody has acted on to scores of all items.

Batch job and serving use the same: a user's ALS factors are folded in from his actions (`common.models.fold_in`), the
item-item model adds the weights of what he has (`common.models.item_item`). Both scores are brought to mean 0 and
deviation 1 over the items that the user does not have, then blended: share · ALS + (1 − share) · item-item. With a
share of 1 the score is ALS's own.

Artifact `als`: arrays `ids` (UTF-8, padded with zeros), `factors`; noted with them `alpha`, `regularization`, `share`.
Artifact `als-item-item`, only where the share is below 1: `starts`, `items`, `values` (`Rows`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from common.artifacts import Artifacts, Version, artifacts
from common.config import Config
from common.models.fold_in import FoldIn
from common.models.item_item import Rows

SCORES_AT_ONCE = 8_000_000

Places = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


class History(NamedTuple):
    """Places of the items somebody has, how strongly, and places that must not be recommended."""

    items: Places
    strengths: npt.NDArray[np.float64]
    excluded: Places


class Recommender:
    """One version of the model, opened."""

    def __init__(self, model: Version, item_item: Version | None, share: float) -> None:
        about = model.about
        self.version, self.ids, self.share = model.version, model.arrays["ids"], share
        self._fold = FoldIn(model.arrays["factors"], float(about["alpha"]), float(about["regularization"]))
        self._neighbours = Rows(**item_item.arrays) if item_item else None

    def best(self, histories: Sequence[History], n: int) -> Iterator[tuple[Places, Scores]]:
        """Places and scores of each history's best `n` items, best first; ties by place."""
        step = max(1, SCORES_AT_ONCE // max(1, len(self.ids)))
        for start in range(0, len(histories), step):
            part = histories[start : start + step]
            for history, scores in zip(part, self.scores(part), strict=True):
                scores[history.excluded] = -np.inf
                yield _top(scores, n)

    def scores(self, histories: Sequence[History]) -> npt.NDArray[np.float64]:
        """Scores of all items, a row a history."""
        users = np.stack([self._fold.user(history.items, history.strengths) for history in histories])
        by_als: npt.NDArray[np.float64] = (users.astype(np.float32) @ self._fold.factors.T).astype(np.float64)
        if self._neighbours is None:
            return by_als
        for row, history in zip(by_als, histories, strict=True):
            together = self._neighbours.added(history.items)
            row[:] = self.share * _standard(row, history.items) + (1 - self.share) * _standard(together, history.items)
        return by_als

    def places(self, names: Sequence[str]) -> Places:
        """Places of those of the items that the model knows: ids are in the order of their bytes."""
        return self.known(names)[1]

    def known(self, names: Sequence[str]) -> tuple[list[str], Places]:
        """Those of the items that the model knows, and their places. Ids of another width would have all be copied."""
        texts = [(name, text) for name in names if len(text := name.encode()) <= self.ids.itemsize]
        wanted = np.array([text for _, text in texts], self.ids.dtype)
        found = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        hit = self.ids[found] == wanted
        places: Places = found[hit]
        return [name for (name, _), one in zip(texts, hit.tolist(), strict=True) if one], places

    def names(self, places: Places) -> list[str]:
        """The ids of the items at these places."""
        return [bytes(name).decode() for name in self.ids[places]]


@dataclass(frozen=True)
class ModelStore:
    """Where models are: travels to executors."""

    factors: Artifacts
    item_item: Artifacts

    def open(self, version: str, share: float | None = None) -> Recommender:
        """A version; `share` replaces the one that was noted with it."""
        model = self.factors.open(version)
        chosen = float(model.about["share"]) if share is None else share
        return Recommender(model, self.item_item.open(version) if chosen < 1 else None, chosen)

    def remove(self, version: str) -> None:
        """Removes a version, as far as it is there."""
        for store in (self.factors, self.item_item):
            if version in store.versions():
                store.remove(version)


def model_store(config: Config) -> ModelStore:
    """The published models of this lake."""
    return ModelStore(artifacts(config, "als"), artifacts(config, "als-item-item"))


def _standard(scores: Scores, had: Places) -> Scores:
    rest = len(scores) - len(had)
    if rest <= 0:
        return scores
    mean = (scores.sum() - scores[had].sum()) / rest
    around: Scores = scores - mean
    deviation = np.sqrt(max(0.0, float(around @ around - around[had] @ around[had]) / rest))
    if deviation > 0:
        around /= deviation
    return around


def _top(scores: Scores, n: int) -> tuple[Places, Scores]:
    n = min(n, len(scores))
    places = np.argpartition(-scores, n - 1)[:n] if n < len(scores) else np.arange(n)
    places = places[np.lexsort((places, -scores[places]))]
    places = places[np.isfinite(scores[places])]
    return places, scores[places]
