"""Smoothed rates against the closed formula, and a prior that was planted."""

import numpy as np
import pytest

from common.models.rates import MOST, Spread, smoothed, spread, strength


def test_strength_is_marshalls_moment_estimate() -> None:
    y, n = np.array([3.0, 0.0, 30.0, 7.0]), np.array([10.0, 5.0, 200.0, 25.0])
    m = y.sum() / n.sum()
    between = (n * (y / n - m) ** 2).sum() / n.sum() - m / n.mean()
    found = strength(spread([(*pair, m) for pair in zip(y.tolist(), n.tolist(), strict=True)]))
    assert found == pytest.approx(m / between, rel=1e-12)


def test_a_planted_prior_is_found_again() -> None:
    chance = np.random.default_rng(7)
    m, b = 0.05, 80.0
    n = chance.integers(20, 2000, 4000).astype(float)
    y = chance.poisson(chance.gamma(m * b, 1 / b, len(n)) * n).astype(float)
    found = strength(spread([(*pair, y.sum() / n.sum()) for pair in zip(y.tolist(), n.tolist(), strict=True)]))
    assert found == pytest.approx(b, rel=0.1)


def test_smoothing_errs_less_than_raw_rates_on_planted_ones() -> None:
    chance = np.random.default_rng(8)
    m, b = 0.05, 80.0
    n = chance.integers(1, 60, 4000).astype(float)
    truth = chance.gamma(m * b, 1 / b, len(n))
    y = chance.poisson(truth * n).astype(float)
    units = [(*pair, y.sum() / n.sum()) for pair in zip(y.tolist(), n.tolist(), strict=True)]
    believed = strength(spread(units))
    drawn = np.array([smoothed(done, seen, usual, believed) for done, seen, usual in units])
    assert np.square(drawn - truth).mean() < np.square(y / n - truth).mean() / 5


def test_rates_that_vary_as_chance_lets_them_are_all_the_usual_one() -> None:
    assert strength(Spread(squares=1.0, means=2.0, weighted=3.0, seen=10.0)) == MOST
    assert smoothed(1, 1, 0.05, MOST) == pytest.approx(0.05)
    assert strength(Spread(0, 0, 0, 0)) == MOST


def test_much_data_stands_for_itself_and_none_for_what_is_usual() -> None:
    assert smoothed(5000, 10_000, 0.05, 80) == pytest.approx(0.5, abs=0.004)
    assert smoothed(0, 0, 0.05, 80) == pytest.approx(0.05)
    assert smoothed(1, 1, 0.05, 80) < smoothed(60, 600, 0.05, 80)
