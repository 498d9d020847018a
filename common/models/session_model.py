"""The next-item model as it is served: mapped arrays, item ids instead of numbers.

In: ids of the items just seen, newest last, and sessions newer than the index. Out: items and scores, best first. An id
the index does not know still counts: by its place in the session and in fresh sessions. One answer takes about a
millisecond and holds no lock: any number of threads may ask.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from common.errors import UnavailableError
from common.models.next_item import SIGNALS, Candidates, best, candidates
from common.models.session_index import SessionIndex
from common.models.session_neighbours import NONE, Fresh
from common.models.sparse_rows import Floats, Ints

MOST_LOOKED_UP = 100_000  # ids whose numbers are remembered


@dataclass(frozen=True)
class Answer:
    """`items`: (id, score), best first; `reasons`: for each of them what each signal adds, adding up to the score."""

    items: list[tuple[str, float]]
    reasons: list[dict[str, float]]


@dataclass(frozen=True)
class SessionModel:
    """One version. `names`: UTF-8 ids in the order of their numbers, which is sorted order."""

    version: str
    index: SessionIndex
    weights: Floats
    names: npt.NDArray[np.bytes_]
    _looked_up: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, version: str, arrays: Mapping[str, npt.NDArray[Any]]) -> "SessionModel":
        """The model of an artifact's arrays; `UnavailableError` when another release's job wrote them."""
        if len(arrays.get("ranking", ())) != len(SIGNALS) or not {"names", *SessionIndex.array_names()} <= set(arrays):
            raise UnavailableError(f"session index {version} is another release's: run 'stylestream batch sessions'")
        # Mapped still, but as plain arrays: each cut of a `memmap` makes another one, which costs more than the cut.
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
        return cls(version, SessionIndex.named(arrays), arrays["ranking"], arrays["names"])

    def candidates(
        self, seen: Sequence[str], n: int, fresh: Sequence[Sequence[str]] = (), explain: bool = False
    ) -> Answer:
        """The n best next items. `fresh`: sessions as ids, oldest action first. With nothing seen: what is popular.
        None where neither the index nor a fresh session knows anything of what was seen."""
        numbers, unknown = self._numbers([item for part in (seen, *fresh) for item in part])
        session, others = numbers[: len(seen)], numbers[len(seen) :]
        if len(session) and session.min() >= len(self.names) and not np.isin(session, others).any():
            return Answer([], [])
        offsets = np.concatenate(([0], np.cumsum([len(part) for part in fresh], dtype=np.int64)))
        n_names = len(self.names)
        found = candidates(self.index, session, Fresh(offsets, others) if fresh else NONE)
        chosen = best(found, self.weights, n)
        places = [item for item, _ in chosen]
        known = self.names[np.minimum(places, len(self.names) - 1)].tolist() if chosen else []
        items = [
            (unknown[item - n_names] if item >= n_names else name.decode(), score)
            for (item, score), name in zip(chosen, known, strict=True)
        ]
        return Answer(items, self._reasons(found, places) if explain else [])

    def _numbers(self, items: Sequence[str]) -> tuple[Ints, list[str]]:
        """Numbers of the ids; one the index doesn't know gets a number beyond its own, by its place in the list."""
        looked_up, unknown = self._looked_up, dict[str, int]()
        missing = [item for item in dict.fromkeys(items) if item not in looked_up]
        if len(looked_up) + len(missing) > MOST_LOOKED_UP:
            looked_up = {}  # another thread may be reading the old one
            object.__setattr__(self, "_looked_up", looked_up)
            missing = list(dict.fromkeys(items))
        if missing:
            texts = [item.encode() for item in missing]
            places = np.minimum(np.searchsorted(self.names, np.array(texts, self.names.dtype)), len(self.names) - 1)
            names = self.names[places].tolist()
            same = zip(missing, texts, names, places.tolist(), strict=True)
            looked_up.update((item, place if text == name else -1) for item, text, name, place in same)
        numbers = [looked_up[item] for item in items]
        for n, number in enumerate(numbers):
            if number < 0:
                numbers[n] = len(self.names) + unknown.setdefault(items[n], len(unknown))
        return np.array(numbers, np.int64), list(unknown)

    def _reasons(self, found: Candidates, items: list[int]) -> list[dict[str, float]]:
        parts = found.signals[np.searchsorted(found.items, items)] * self.weights
        return [{SIGNALS[s]: float(row[s]) for s in np.flatnonzero(row)} for row in parts]
