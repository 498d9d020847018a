"""Sparse rows and item vectors against dense numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.models import sparse_rows
from common.models.item_vectors import POWER, times, vectors
from common.models.sparse_rows import Rows, normalised, product, summed

SIZE = 7
TRIPLES = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.floats(0.1, 9)), max_size=40)


def rows_of(triples: list[tuple[int, int, float]], keep: int | None = None) -> Rows:
    row, ids, values = (
        (np.array(column) for column in zip(*triples, strict=True)) if triples else [np.zeros(0, int)] * 3
    )
    return summed(row, ids, values, SIZE, keep)


def dense(rows: Rows, size: int = SIZE) -> np.ndarray:
    made = np.zeros((size, size))
    row = np.repeat(np.arange(size), np.diff(rows.offsets))
    made[row, rows.ids] = rows.values
    return made


@settings(deadline=None)
@given(TRIPLES, TRIPLES, st.integers(1, 30))
def test_rows_are_the_matrix_they_stand_for(
    left: list[tuple[int, int, float]], right: list[tuple[int, int, float]], block: int
) -> None:
    expected = np.zeros((SIZE, SIZE))
    for row, column, value in left:
        expected[row, column] += value
    one, other = rows_of(left), rows_of(right)
    assert dense(one) == pytest.approx(expected, rel=1e-5)
    share = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1e-9)
    assert dense(normalised(one)) == pytest.approx(share, rel=1e-5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_rows, "BLOCK", block)
        whole = expected @ dense(other)
        np.fill_diagonal(whole, 0)
        assert dense(product(one, other, SIZE)) == pytest.approx(whole, rel=1e-4)
    assert times(one, dense(other)) == pytest.approx(expected @ dense(other), rel=1e-4)


def test_the_largest_of_a_row_are_kept_best_first() -> None:
    rows = rows_of([(1, 4, 1.0), (1, 2, 3.0), (1, 0, 2.0), (3, 5, 1.0), (1, 4, 1.5)], keep=2)
    assert rows.ids.tolist() == [2, 4, 5]
    assert rows.values.tolist() == [3.0, 2.5, 1.0]
    assert rows.offsets.tolist() == [0, 0, 2, 2, 3, 3, 3, 3]


def test_vectors_give_the_best_low_rank_matrix_of_the_mutual_information() -> None:
    rng = np.random.default_rng(2)
    group = np.arange(30) % 3
    counts = rng.poisson(np.where(group[:, None] == group[None, :], 9.0, 0.5))
    counts = np.triu(counts, 1) + np.triu(counts, 1).T
    row, column = np.nonzero(counts)
    made = vectors(summed(row, column, counts[row, column].astype(float), 30), 30, 2)
    p = counts.sum(axis=1) ** POWER / (counts.sum(axis=1) ** POWER).sum()
    information = np.maximum(np.log(np.maximum(counts / counts.sum(), 1e-30) / np.outer(p, p)), 0)
    values, directions = np.linalg.eigh(information)
    expected = directions[:, -2:] * np.sqrt(values[-2:])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert made @ made.T == pytest.approx(expected @ expected.T, abs=0.02)
