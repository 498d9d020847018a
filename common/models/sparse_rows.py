"""Sparse rows as three flat arrays (CSR), made so that many rows are gathered by a few numpy steps and no loop.

`Rows`: row r holds `ids[offsets[r]:offsets[r + 1]]` with `values` beside. The arrays may be mapped from files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.floating[Any]]
BLOCK = 2_000_000  # products held at once when rows are multiplied


@dataclass(frozen=True)
class Rows:
    """Sparse rows; `offsets` has one entry more than there are rows."""

    offsets: Ints
    ids: Ints
    values: Floats

    def of(self, rows: Ints, weights: Floats) -> tuple[Ints, Floats]:
        """Ids and values of these rows, one after the other, each row's values times its weight."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        places = ranges(self.offsets[rows], lengths)
        return self.ids[places], self.values[places] * np.repeat(weights, lengths)

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The three arrays under names of their own, as an artifact stores them."""
        return {f"{name}_offsets": self.offsets, f"{name}_ids": self.ids, f"{name}_values": self.values}

    @classmethod
    def named(cls, arrays: dict[str, npt.NDArray[Any]], name: str) -> "Rows":
        """What `arrays(name)` made."""
        return cls(*(arrays[f"{name}_{part}"] for part in ("offsets", "ids", "values")))


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """starts[0] … starts[0] + lengths[0] − 1, starts[1] … as one array."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths))


def summed(rows: Ints, ids: Ints, values: Floats, n: int, keep: int | None = None) -> Rows:
    """Rows 0 … n − 1 from triples, those of the same place added; with `keep` the largest so many a row, best first."""
    width = int(ids.max(initial=0)) + 1
    pairs = rows.astype(np.int64) * width + ids
    order = np.argsort(pairs)
    pairs = pairs[order]
    begins = np.flatnonzero(np.diff(pairs, prepend=-1))
    totals = np.add.reduceat(values[order].astype(float), begins) if len(begins) else np.zeros(0)
    row, column = pairs[begins] // width, pairs[begins] % width
    if keep is not None:
        order = np.argsort(row - totals / (2 * totals.max(initial=1e-300)))  # by row, then the largest: one sort
        first = np.searchsorted(row, np.arange(n))
        order = order[np.arange(len(order)) - first[row] < keep]
        row, column, totals = row[order], column[order], totals[order]
    return Rows(np.searchsorted(row, np.arange(n + 1)), column.astype(np.int32), totals.astype(np.float32))


def normalised(rows: Rows) -> Rows:
    """Each row divided by its sum."""
    lengths = np.diff(rows.offsets)
    row = np.repeat(np.arange(len(lengths)), lengths)
    totals = np.bincount(row, rows.values, len(lengths))
    return Rows(rows.offsets, rows.ids, (rows.values / np.maximum(totals[row], 1e-12)).astype(np.float32))


def product(left: Rows, right: Rows, keep: int) -> Rows:
    """left · right without its diagonal, the largest `keep` a row; in memory no more than some `BLOCK` products."""
    parts = [_multiplied(left, right, first, last, keep) for first, last in _blocks(left, right)]
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return Rows(offsets, np.concatenate([p.ids for p in parts]), np.concatenate([p.values for p in parts]))


def _blocks(left: Rows, right: Rows) -> Iterator[tuple[int, int]]:
    costs = np.concatenate(([0], np.cumsum(np.diff(right.offsets)[left.ids])))[left.offsets]
    first, n = 0, len(left.offsets) - 1
    while first < n:
        last = max(first + 1, int(np.searchsorted(costs, costs[first] + BLOCK, "right")) - 1)
        yield first, min(last, n)
        first = last


def _multiplied(left: Rows, right: Rows, first: int, last: int, keep: int) -> Rows:
    part = slice(left.offsets[first], left.offsets[last])
    middle, row = left.ids[part], np.repeat(np.arange(last - first), np.diff(left.offsets[first : last + 1]))
    ids, values = right.of(middle, left.values[part])
    rows = np.repeat(row, right.offsets[middle + 1] - right.offsets[middle])
    other = ids != rows + first
    return summed(rows[other], ids[other], values[other], last - first, keep)
