"""A linear item-item model: what having one item says for another, from how often they come together.

For item j with neighbours D (those that come together with it most, by the cosine of their users), the weights
are the ridge regression of "has j" on "has d" over all users, Bⱼ = (G_DD + λI)⁻¹ G_Dj with G = XᵀX the
co-occurrences and X users × items of 0 and 1. With D all other items this is EASE (Steck 2019, "Embarrassingly
Shallow Autoencoders", equation 8 one column at a time); few neighbours make it a sparse Markov random field (Steck
2019, "Markov Random Fields for Collaborative Filtering", section 3) and each column a small system of its own.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.floating[Any]]


class Rows(NamedTuple):
    """A sparse matrix by rows: row n is `items[starts[n]:starts[n + 1]]` with the `values` there."""

    starts: Places
    items: Places
    values: npt.NDArray[Any]

    def row(self, n: int) -> tuple[Places, npt.NDArray[Any]]:
        place = slice(int(self.starts[n]), int(self.starts[n + 1]))
        return self.items[place], self.values[place]

    def added(self, rows: Places) -> npt.NDArray[np.float64]:
        """The sum of `rows`, dense: with rows of weights, what having these items says for every other."""
        size = len(self.starts) - 1
        parts = [self.row(int(n)) for n in rows]
        if not parts:
            return np.zeros(size)
        items, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        sums: npt.NDArray[np.float64] = np.bincount(items, values, size).astype(np.float64, copy=False)
        return sums


def weights(
    together: Rows, users: Floats, item: int, k: int, regularization: float
) -> tuple[Places, npt.NDArray[np.float32]]:
    """The `k` neighbours of `item` and their weights. Rows of `together` run from the nearest item on, without the
    item itself, whose own count is in `users`."""
    near, count = together.row(item)
    near, count = near[:k], count[:k].astype(np.float64)
    places = np.full(len(users), -1)
    places[near] = np.arange(len(near))
    gram = np.zeros((len(near), len(near)))
    for row, other in enumerate(near):
        items, counts = together.row(int(other))
        at = places[items]
        gram[row, at[at >= 0]] = counts[at >= 0]
    gram = np.maximum(gram, gram.T)  # a pair may be among the nearest of one side only
    gram.flat[:: len(near) + 1] = users[near] + regularization
    return near, np.linalg.solve(gram, count).astype(np.float32)
