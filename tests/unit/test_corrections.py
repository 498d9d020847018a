"""Corrections against numbers worked out by hand and by loops: smoothing, kernels, bounds."""

import numpy as np
import pytest

from common.config import RankingConfig
from common.models.corrections import factors, kernel, usual_rates

HOUR = RankingConfig("views-1h", "window", 60, {"view": 1})
DAY = RankingConfig("popular", "decay", 1440, {"view": 1})


def test_much_data_gives_the_observed_rates_and_none_the_overall_rate() -> None:
    actions = np.vstack([np.full(24, 9_000_000.0), np.full(24, 1_000_000.0), np.zeros(24)])
    rates = usual_rates(actions, np.full(24, 1000.0), 24)
    assert rates[0] == pytest.approx(9000, rel=0.01)
    assert rates[1] == pytest.approx(1000, rel=0.01)
    fresh = usual_rates(np.vstack([np.full(24, 10.0), np.zeros(24)]), np.full(24, 1.0), 1e9)
    assert fresh == pytest.approx(5.0, rel=1e-6)


def test_smoothing_is_the_gamma_posterior_mean() -> None:
    chance = np.random.default_rng(3)
    actions, days, prior = chance.poisson(40, (5, 24)).astype(float), np.full(24, 7.0), 48.0
    overall = actions.sum() / (5 * 24 * 7)
    rates = usual_rates(actions, days, prior)
    for c in range(5):
        mean = (actions[c].sum() + prior * overall) / (24 * 7 + prior)
        for h in range(24):
            shop = (actions[:, h].sum() / 5 + 2 * overall) / (7 + 2) / overall
            assert rates[c, h] == pytest.approx((actions[c, h] + 2 * mean * shop) / 9, rel=1e-12)


def test_kernels_weigh_the_hours_a_ranking_looks_back_on() -> None:
    assert kernel(HOUR).tolist() == [1.0] + [0.0] * 23
    assert kernel(RankingConfig("w", "window", 1440 + 90, {"view": 1})).tolist() == [2.0, 1.5] + [1.0] * 22
    ages = np.arange(60 * 24 * 400)
    weights = 2.0 ** (-ages / 1440)
    wanted = [weights[(ages // 60) % 24 == j].sum() / 60 for j in range(24)]
    assert kernel(DAY) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("ranking", [HOUR, DAY])
def test_a_factor_makes_what_is_usual_equal_everywhere_within_its_bound(ranking: RankingConfig) -> None:
    chance = np.random.default_rng(5)
    rates = chance.uniform(1, 4, (6, 24))
    found, other = factors(rates, ranking, 100)
    weights = kernel(ranking)
    usual = np.array(
        [[sum(weights[j] * rates[c, (h - j) % 24] for j in range(24)) for h in range(24)] for c in range(6)]
    )
    assert found * usual == pytest.approx(usual.mean(), rel=1e-12)
    assert other * usual.mean(axis=0) == pytest.approx(usual.mean(), rel=1e-12)
    rates[0] *= 1000
    assert factors(rates, ranking, 4)[0].min() == 0.25
    assert factors(rates, ranking, 4)[0].max() == 4


def test_nothing_learned_corrects_nothing() -> None:
    rates = usual_rates(np.zeros((2, 24)), np.zeros(24), 24)
    assert factors(rates, DAY, 4)[0] == pytest.approx(1.0)


def test_a_category_not_learned_stays_within_the_bound_at_the_busiest_and_the_quietest_hour() -> None:
    rates = np.full((3, 24), 10.0)
    rates[:, 7], rates[:, 19] = 1e-6, 1e6
    fair, other = factors(rates, HOUR, 4)
    assert (other[7], other[19]) == (4.0, 0.25)
    assert fair[:, 7].tolist() == [4.0] * 3 and fair[:, 19].tolist() == [0.25] * 3


def test_a_factor_just_inside_the_bound_is_left_and_one_beyond_is_the_bound() -> None:
    rates = np.ones((1, 24))
    rates[0, 5] = 0.25
    mean = (23 + 0.25) / 24
    for bound, expected in ((mean / 0.25 - 0.01, mean / 0.25 - 0.01), (mean / 0.25 + 0.01, mean / 0.25)):
        fair, other = factors(rates, HOUR, bound)
        assert fair[0, 5] == pytest.approx(expected, rel=1e-12)
        assert other[5] == pytest.approx(expected, rel=1e-12)


def test_each_hour_has_the_factor_of_its_own_rate() -> None:
    rates = np.array([[1.0 + hour for hour in range(24)]])
    fair, other = factors(rates, HOUR, 1000)
    assert fair[0] == pytest.approx([12.5 / (1 + hour) for hour in range(24)])
    assert other == pytest.approx([12.5 / (1 + hour) for hour in range(24)])
    two = factors(rates, RankingConfig("w", "window", 120, {"view": 1}), 1000)[0][0]  # hour h and the one before
    before = [1.0 + (hour - 1) % 24 for hour in range(24)]
    assert two == pytest.approx([25.0 / (1 + hour + before[hour]) for hour in range(24)])
