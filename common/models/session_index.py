"""The index behind "how about this now": recent sessions by item, and what follows, precedes and neighbours an item.

In: actions as (session, item), a session's together and in order, sessions oldest first, both numbered from 0. Out:
arrays that a serving process maps. `sessions`: items of each session. `postings`: for each item the `recent` newest
sessions with it, newest first, `places` where it last stood in them (VMIS-kNN's index: Kersbergen et al., Serenade,
SIGMOD 2022). `after`, `before`: weighted transitions, 1/distance each (sequential rules: Ludewig & Jannach 2018).
`near2`, `near3`: the probability of a random walk of two and three steps between items that stand in one session,
so that an item of few sessions has neighbours too (S-Walk: Choi et al., WSDM 2022). `vectors`: of
`common.models.item_vectors`, for items that no walk reaches. A session counts
2^(−age / half-life), age being the share of the index's time span since then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from common.models.item_vectors import vectors
from common.models.sparse_rows import Floats, Ints, Rows, normalised, product, ranges, summed

WINDOW = 10  # transitions over at most so many steps
LONGEST = 50  # a longer session is cut to its newest actions: bots make no neighbours
WIDEST = 50  # neighbours an item that a walk goes on from
NEAR = 100  # neighbours an item that are kept of a walk
FAVOURITES = 100  # the most popular items: what is left to offer where nothing else speaks
HALF_LIVES = (0.007, 0.035, 0.17, 1e6)  # of popularity, as shares of the time span; the last counts all alike
RULES = 70  # followers an item that are kept however long ago: enough where `LONGEST` of them were seen
PARTS = ("after", "before", "near2", "near3", "rules")


@dataclass(frozen=True)
class Build:
    """What can be tuned: sessions kept an item, half-life as a share of the time span."""

    recent: int = 500
    half_life: float = 0.17


@dataclass(frozen=True)
class SessionIndex:
    """See above. `weights[session]` decays with age; `rarity` is ln(1 + n / sessions with it); `popular` has a column
    a half-life; `favourites` are the most popular items of the second."""

    offsets: Ints
    items: Ints
    weights: Floats
    posting_offsets: Ints
    postings: Ints
    places: Ints
    rarity: Floats
    popular: Floats
    favourites: Ints
    after: Rows
    before: Rows
    near2: Rows
    near3: Rows
    rules: Rows
    vectors: Floats

    @property
    def n_items(self) -> int:
        return len(self.rarity)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All arrays by name, as an artifact stores them."""
        flat = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in PARTS}
        for name in PARTS:
            flat |= getattr(self, name).arrays(name)
        return flat

    @classmethod
    def array_names(cls) -> set[str]:
        """Names of all arrays."""
        parts = {f"{name}_{part}" for name in PARTS for part in ("offsets", "ids", "values")}
        return parts | {name for name in cls.__dataclass_fields__ if name not in PARTS}

    @classmethod
    def named(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "SessionIndex":
        """What `arrays()` made."""
        parts: dict[str, Any] = {name: arrays[name] for name in cls.__dataclass_fields__ if name not in PARTS}
        parts |= {name: Rows.named(dict(arrays), name) for name in PARTS}
        return cls(**parts)


def shortened(offsets: Ints, items: Ints, longest: int = LONGEST) -> tuple[Ints, Ints]:
    """Sessions cut to their newest `longest` actions."""
    lengths = np.minimum(np.diff(offsets), longest)
    return np.concatenate(([0], np.cumsum(lengths))), items[ranges(offsets[1:] - lengths, lengths)]


def build(offsets: Ints, items: Ints, times: Floats, n_items: int, how: Build) -> SessionIndex:
    """The index of sessions; `times` (any unit) are non-decreasing, one a session."""
    offsets, items = shortened(offsets, items)
    n = len(offsets) - 1
    age = (times[-1:] - times) / max(float(times[-1] - times[0]) if n else 0.0, 1e-9)
    weights = np.exp2(-age / how.half_life).astype(np.float32)
    session = np.repeat(np.arange(n), np.diff(offsets))
    rarity, posting_offsets, postings, places = _postings(offsets, items, session, n_items, how.recent)
    after = _transitions(items, session, weights, n_items)
    before = _turned(after, n_items)
    together = _together(after, before, n_items)
    steps = normalised(_together(after, before, n_items, WIDEST))
    near2 = product(steps, steps, NEAR)
    popular = np.column_stack([np.bincount(items, np.exp2(-age / part)[session], n_items) for part in HALF_LIVES])
    return SessionIndex(
        offsets,
        items.astype(np.int32),
        weights,
        posting_offsets,
        postings,
        places,
        rarity,
        popular.astype(np.float32),
        np.argsort(-popular[:, 1], kind="stable")[:FAVOURITES].astype(np.int32),
        after,
        before,
        near2,
        product(near2, steps, NEAR),
        _transitions(items, session, np.ones(n, np.float32), n_items, RULES),
        vectors(together, n_items),
    )


def _postings(offsets: Ints, items: Ints, session: Ints, n_items: int, recent: int) -> tuple[Floats, Ints, Ints, Ints]:
    place = np.arange(len(items)) - offsets[session]
    order = np.lexsort((-place, -session, items))
    item, where = items[order], session[order]
    new = np.ones(len(order), bool)  # of several places in one session the last
    new[1:] = (item[1:] != item[:-1]) | (where[1:] != where[:-1])
    order, item = order[new], item[new]
    first = np.searchsorted(item, np.arange(n_items + 1))
    rarity = np.log1p((len(offsets) - 1) / np.maximum(np.diff(first), 1)).astype(np.float32)
    order = order[np.arange(len(order)) - first[item] < recent]
    kept = np.searchsorted(items[order], np.arange(n_items + 1))
    return rarity, kept, session[order].astype(np.int32), place[order].astype(np.int16)


def _transitions(items: Ints, session: Ints, weights: Floats, n_items: int, keep: int | None = None) -> Rows:
    rows, ids, values = [], [], []
    for distance in range(1, min(WINDOW, len(items) - 1) + 1):
        first = np.flatnonzero((session[:-distance] == session[distance:]) & (items[:-distance] != items[distance:]))
        rows.append(items[first])
        ids.append(items[first + distance])
        values.append(weights[session[first]] / distance)
    none = np.zeros(0, np.int64)
    row, other, value = (np.concatenate([none, *parts]) for parts in (rows, ids, values))
    return summed(row, other, value, n_items, keep)


def _turned(rows: Rows, n_items: int) -> Rows:
    row = np.repeat(np.arange(n_items), np.diff(rows.offsets))
    return summed(rows.ids, row, rows.values, n_items)


def _together(after: Rows, before: Rows, n_items: int, keep: int | None = None) -> Rows:
    """How much two items stand in one session, either way."""
    row = [np.repeat(np.arange(n_items), np.diff(part.offsets)) for part in (after, before)]
    ids, values = np.concatenate([after.ids, before.ids]), np.concatenate([after.values, before.values])
    return summed(np.concatenate(row), ids, values, n_items, keep)
