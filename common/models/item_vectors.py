"""A vector an item, so that items never seen together are alike when what stands beside them is.

The matrix is the positive pointwise mutual information of items in one session, max(0, ln(p(i, j) / (p(i) p(j)))), with
p(i) of the power 0.875 so that rare items are not overrated; vectors are its leading eigenvectors times the root of the
eigenvalue, of length 1 (Levy, Goldberg, Dagan 2015). Eigenvectors by subspace iteration (Halko et al. 2011).
"""

import numpy as np

from common.models.sparse_rows import Floats, Rows

POWER = 0.875
SPARE = 16  # directions beyond those asked for
ITERATIONS = 4
BLOCK = 200_000  # entries multiplied at once


def vectors(together: Rows, n_items: int, size: int = 64) -> Floats:
    """`together`: symmetric, how much two items stand together; items × size, float32."""
    size = min(size, n_items)
    information = _information(together, n_items)
    guess = np.random.default_rng(0).standard_normal((n_items, min(n_items, size + SPARE))).astype(np.float32)
    for _ in range(ITERATIONS):
        guess, _ = np.linalg.qr(times(information, guess))
    small = guess.T @ times(information, guess)
    values, directions = np.linalg.eigh((small + small.T) / 2)
    top = np.argsort(-values)[:size]
    found = guess @ (directions[:, top] * np.sqrt(np.maximum(values[top], 0)))
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def times(rows: Rows, dense: Floats) -> Floats:
    """rows · dense."""
    result = np.zeros((len(rows.offsets) - 1, dense.shape[1]), np.float32)
    filled = np.flatnonzero(np.diff(rows.offsets))
    first = 0
    while first < len(filled):
        begin = rows.offsets[filled[first]]
        last = max(first + 1, int(np.searchsorted(rows.offsets[filled + 1], begin + BLOCK, "right")))
        part = slice(begin, rows.offsets[filled[last - 1] + 1])
        products = dense[rows.ids[part]] * rows.values[part, None]
        result[filled[first:last]] = np.add.reduceat(products, rows.offsets[filled[first:last]] - begin, axis=0)
        first = last
    return result


def _information(together: Rows, n_items: int) -> Rows:
    row = np.repeat(np.arange(n_items), np.diff(together.offsets))
    share = np.bincount(row, together.values, n_items) ** POWER
    share /= max(share.sum(), 1e-12)
    both = together.values / max(float(together.values.sum()), 1e-12)
    values = np.log(np.maximum(both, 1e-30) / np.maximum(share[row] * share[together.ids], 1e-30))
    return Rows(together.offsets, together.ids, np.maximum(values, 0).astype(np.float32))
