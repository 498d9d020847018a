"""A ranking as it stood at a past minute m, out of minute facts and, where that is less work, of what stands now.

score(m) = current · S + Σ_t coefficient_t · c_t, with S the score in the sorted set as of the newest minute a, c_t what
minute t contributed, h the half-life, w the window's length:

| ranking | how | current | coefficients |
|---|---|---|---|
| window | counted | 0 | 1 for m − w < t ≤ m |
| window, w > 2 (a − m) | taken back | 1 | −1 for m < t ≤ a; 1 for m − w < t ≤ a − w |
| decay | counted | 0 | 2^((t − m)/h) for t ≤ m, 40 half-lives back |
| decay | taken back | 2^((a − m)/h) | −2^((t − m)/h) for m < t ≤ a |

Windows are exact both ways. A decay is counted where facts reach 40 half-lives back, after which a 10^-12 of a
contribution is left. Taken back, it holds everything however old, to 2^((a − m)/h) · 1e-13 of what it is today. Where
that is more than 1e-9 and facts do not reach 40 half-lives back either, the smaller of both errors is taken: with
facts of 50 hours and m within the last day below 1e-6, for half-lives between 39 and 108 minutes. For ranks alone
(`least_work`) taking back is enough where it errs below 1e-9.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.config import RankingConfig
from common.keys import split_member
from common.views.rankings import HALF_LIVES, Row, best

ROUNDING = 1e-13  # relative error of a score after millions of additions
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Counted = Sequence[tuple[Mapping[int, float], int]]  # minute → coefficient, and which contribution of a fact it is of
FEW = 100  # categories that are looked through one by one
SMALL = 1e-9  # what is left of a sum whose parts cancel, relative to them, is nothing


@dataclass(frozen=True)
class Recipe:
    """How to work out the scores at a minute: what today's count, and what each minute's contributions do."""

    current: float
    counted: dict[int, float]


def recipe(ranking: RankingConfig, at: int, as_of: int, reach: int, least_work: bool = False) -> Recipe:
    """`at` ≤ `as_of`; facts reach back to minute `reach`. All are epoch minutes."""
    back, length = as_of - at, ranking.minutes
    if ranking.kind == "window":
        if length <= 2 * back:
            return Recipe(0.0, dict.fromkeys(range(at - length + 1, at + 1), 1.0))
        gone = dict.fromkeys(range(at + 1, as_of + 1), -1.0)
        return Recipe(1.0, gone | dict.fromkeys(range(at - length + 1, as_of - length + 1), 1.0))
    lost, missing = (2.0 ** min(bits, 1000) for bits in (back / length, -(at - reach) / length))
    whole = at - reach >= HALF_LIVES * length
    if (least_work or not whole) and lost * ROUNDING <= max(SMALL, missing):
        return Recipe(2.0 ** (back / length), {t: -(2.0 ** ((t - at) / length)) for t in range(at + 1, as_of + 1)})
    first = max(reach, at - HALF_LIVES * length)
    return Recipe(0.0, {t: 2.0 ** ((t - at) / length) for t in range(first, at + 1)})


def contributed(hashes: Sequence[tuple[int, Mapping[bytes, bytes]]], counted: Counted) -> pa.Table:
    """`rows` of (minute, fact hash) pairs (`common.keys`), a column for each of `counted`.

    Arrow's kernels work without Python's lock, so that an API process goes on answering meanwhile.
    """
    used = [(minute, found) for minute, found in hashes if found and any(minute in of for of, _ in counted)]
    members = pa.array([field for _, found in used for field in found], pa.string())
    if any(next(iter(found)).count(b"\x1f") > 1 for _, found in used):  # the hash of a person's excess
        members = pc.replace_substring_regex(members, r"^([^\x1f]*\x1f[^\x1f]*).*$", r"\1")
    values = pa.array([value for _, found in used for value in found.values()], pa.string())
    numbers = {part: _numbers(values, part) for _, part in counted}
    lengths = [len(found) for _, found in used]
    weights = [np.repeat([of.get(minute, 0.0) for minute, _ in used], lengths) for of, _ in counted]
    columns = [
        pc.multiply(numbers[part], pa.array(w, pa.float64())) for w, (_, part) in zip(weights, counted, strict=True)
    ]
    return total([rows(members, columns)])


def _numbers(values: pa.Array, part: int) -> pa.Array:
    """The contribution of that place in 'c0,c1,…|measures'; 0 where it has none."""
    found = pc.extract_regex(values, rf"^(?:[^,|]*,){{{part}}}(?P<n>[^,|]+)")
    return pc.fill_null(pc.cast(pc.struct_field(found, "n"), pa.float64()), 0.0)


def rows(members: pa.Array, scores: Sequence[pa.Array]) -> pa.Table:
    """`member, s0, z0, s1, z1, …`: each score and its size, which tells after summing what has cancelled."""
    columns = {"member": members}
    for n, score in enumerate(scores):
        columns |= {f"s{n}": score, f"z{n}": pc.abs(score)}
    return pa.table(columns)


def total(tables: Sequence[pa.Table]) -> pa.Table:
    """Their sums by member."""
    names = tables[0].column_names[1:]
    sums = pa.concat_tables(tables).group_by("member").aggregate([(name, "sum") for name in names])
    return sums.select(["member", *[f"{name}_sum" for name in names]]).rename_columns(["member", *names])


class Standing:
    """All members of a ranking at one minute, best first, equals by item id: places in any sub-tree."""

    def __init__(self, sums: pa.Table, n: int = 0) -> None:
        """By the n-th score of `sums` (`total`); a score that is nothing has no place."""
        sums = sums.select(["member", f"s{n}", f"z{n}"]).rename_columns(["member", "score", "size"])
        kept = sums.filter(pc.greater(sums["score"], pc.multiply(sums["size"], SMALL)))
        names = pc.split_pattern(kept["member"], "\x1f", max_splits=1)
        kept = kept.append_column("category", pc.list_element(names, 0))
        kept = kept.append_column("item", pc.list_element(names, 1))
        best_first = [("score", "descending"), ("item", "ascending"), ("category", "ascending")]
        kept = kept.take(pc.sort_indices(kept, sort_keys=best_first))
        self.members: list[str] = kept["member"].to_pylist()
        self.scores = kept["score"].to_numpy()
        coded = kept["category"].combine_chunks().dictionary_encode()
        by_name = pc.sort_indices(coded.dictionary)  # so that a sub-tree is a range
        self._categories: Sequence[str] = coded.dictionary.take(by_name).to_pylist()
        self._codes = np.argsort(by_name.to_numpy())[coded.indices.to_numpy()]
        order = np.argsort(self._codes, kind="stable")
        ends = np.searchsorted(self._codes[order], np.arange(len(self._categories) + 1))
        self._of_category = [order[start:end] for start, end in pairwise(ends)]  # places, ascending
        items = kept["item"].combine_chunks().dictionary_encode()
        of_item = items.indices.to_numpy()
        # the first place of each item, and all places of those in several categories: where their own has changed
        self._first = dict(zip(reversed(kept["item"].to_pylist()), range(len(self.members) - 1, -1, -1), strict=True))
        self._several = np.flatnonzero(np.bincount(of_item)[of_item] > 1)
        self._of_several = of_item[self._several]
        self._more: dict[str, list[int]] = {}
        for place in self._several.tolist():
            self._more.setdefault(split_member(self.members[place])[1], []).append(place)

    @classmethod
    def empty(cls) -> "Standing":
        """Of a minute from which nothing is known."""
        return cls(rows(pa.array([], pa.string()), [pa.array([], pa.float64())]))

    def __len__(self) -> int:
        return len(self.members)

    def corrected(self, factors: Mapping[str, float], other: float) -> "Standing":
        """With each category's scores times its factor, `other` where it has none."""
        by_code = np.array([factors.get(name, other) for name in self._categories], dtype=np.float64)
        return Standing(rows(pa.array(self.members, pa.string()), [pa.array(self.scores * by_code[self._codes])]))

    def best(self, top: str | None, limit: int) -> list[Row]:
        """The `limit` best of the sub-tree below `top`, None for all; an item of several categories once."""
        codes = None if top is None else self._below(top)
        inside = np.arange(len(self)) if codes is None else np.flatnonzero(self._inside(codes))
        several = self._several_in(codes)
        places = np.union1d(inside[: limit + len(several)], several).tolist()
        return best([(self.members[place], float(self.scores[place])) for place in places], limit)

    def ranks(self, members: Sequence[str], top: str | None) -> list[int | None]:
        """The rank of the item of each of `members` in the sub-tree below `top`; None for what had no score there. An
        item of several categories has one rank, by the best of its scores."""
        below = None if top is None else self._below(top)
        known = [next(iter(self._places(name, below)), None) for name in members]
        places = np.array([place for place in known if place is not None], dtype=np.int64)
        counted = np.zeros(len(places), dtype=np.int64)
        if below is None:
            counted += places + 1
        elif len(below) > FEW:
            counted += np.cumsum(self._inside(below))[places]
        else:
            for c in below:
                counted += np.searchsorted(self._of_category[c], places, "right")
        several = self._several_in(below)
        _, firsts = np.unique(self._of_several[np.searchsorted(self._several, several)], return_index=True)
        found = iter((counted - np.searchsorted(np.delete(several, firsts), places)).tolist())
        return [None if place is None else next(found) for place in known]

    def score_of(self, members: Sequence[str], top: str | None = None) -> list[float | None]:
        """The score of the item of each in the sub-tree below `top`; None for what has none."""
        below = None if top is None else self._below(top)
        found = [self._places(name, below) for name in members]
        return [float(sum(self.scores[place] for place in places)) if places else None for places in found]

    def _places(self, member: str, codes: Collection[int] | None) -> list[int]:
        """The places of a member's item in these categories, best first."""
        item = split_member(member)[1]
        places = self._more.get(item) or ([self._first[item]] if item in self._first else [])
        return [place for place in places if codes is None or self._codes[place] in codes]

    def _several_in(self, codes: Sequence[int] | None) -> Ints:
        """The places in these categories of items that stand in several."""
        return self._several if codes is None else self._several[np.isin(self._codes[self._several], codes)]

    def _below(self, top: str) -> list[int]:
        """Codes of the sub-tree's categories: `top` itself, and what begins with it and '/'."""
        bounds = (top, f"{top}/", f"{top}0")  # '0' follows '/'
        own, first, end = (bisect_left(self._categories, name) for name in bounds)
        return [own] * (self._categories[own : own + 1] == [top]) + list(range(first, end))

    def _inside(self, codes: list[int]) -> Bools:
        """Which places are of these categories."""
        wanted = np.zeros(len(self._categories), dtype=np.bool_)
        wanted[codes] = True
        inside: Bools = wanted[self._codes]
        return inside
