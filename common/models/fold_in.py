"""A user's factors from what he has done, by the last half-step of ALS: a user needs no training to have some.

With item factors Y, actions of strength r on items y, c₁ = α·|r| and n₊ the number of positive strengths:

    x = (YᵀY + Σ c₁·y·yᵀ + λ·n₊·I)⁻¹ · Σ_{r>0} (1 + c₁)·y

Hu, Koren and Volinsky 2008, equation 4, with λ weighted by n₊ as Spark's ALS does it (Zhou et al. 2008). Spark solves
for the users last, so for the strengths that it was trained on this is its own answer. YᵀY is worked out once.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

ROWS = 65_536  # of the mapped factors that are held as float64 at a time

Floats = npt.NDArray[np.floating[Any]]
Places = npt.NDArray[np.integer[Any]]


class FoldIn:
    """`factors`: items × rank, row n belonging to item n. Safe to share between threads."""

    def __init__(self, factors: Floats, alpha: float, regularization: float) -> None:
        self.factors, self._alpha, self._regularization = factors, alpha, regularization
        rank = factors.shape[1]
        self._gram = np.zeros((rank, rank))
        for start in range(0, len(factors), ROWS):
            part = factors[start : start + ROWS].astype(np.float64)
            self._gram += part.T @ part

    def user(self, items: Places, strengths: Floats) -> npt.NDArray[np.float64]:
        """`rank` factors; zeros for somebody who has done nothing that counts."""
        positive = strengths > 0
        if not positive.any():
            return np.zeros(self.factors.shape[1])
        y = self.factors[items].astype(np.float64)
        confidence = self._alpha * np.abs(strengths)
        left = self._gram + (y.T * confidence) @ y
        left.flat[:: len(left) + 1] += self._regularization * np.count_nonzero(positive)
        solved: npt.NDArray[np.float64] = np.linalg.solve(left, (1 + confidence) * positive @ y)
        return solved
