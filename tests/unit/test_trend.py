"""The score against likelihoods worked out here, and the list that is made of it."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from common.config_load import load_config
from common.models.keyword_text import blocking
from common.models.trend import expected, exposure, level, score
from common.views.keywords import Baselines, rising, shop_level, trending

CONFIG = load_config(env={}).keywords


def log_likelihood(n: int, mu: float, r: float) -> float:
    """Negative binomial with mean mu and shape r."""
    chosen = math.lgamma(n + r) - math.lgamma(r) - math.lgamma(n + 1)
    return chosen + (n * math.log(mu / (mu + r)) if n else 0.0) + r * math.log(r / (mu + r))


@pytest.mark.parametrize(
    ("n", "seen", "mass"), [(8, 0.0, 2000.0), (30, 40.0, 300.0), (0, 40.0, 300.0), (700, 9e3, 160)]
)
def test_score_is_the_signed_root_of_twice_the_log_likelihood_ratio(n: int, seen: float, mass: float) -> None:
    mu = (seen + CONFIG.prior_searches) / (mass + CONFIG.prior_minutes) * 10
    r = min(seen + CONFIG.prior_searches, CONFIG.dispersion)
    ratio = 2 * (log_likelihood(n, max(n, 1e-12), r) - log_likelihood(n, mu, r))
    wanted = math.copysign(math.sqrt(ratio), n - mu)
    assert float(expected(seen, mass, 10, CONFIG)) == pytest.approx(mu)
    assert float(score(n, seen, mass, 10, CONFIG)) == pytest.approx(wanted, rel=1e-9)


def test_score_is_near_the_poisson_z_where_much_is_known_and_demand_is_steady() -> None:
    steady = dataclasses.replace(CONFIG, dispersion=1e9)
    z = float(score(1100, 1e8, 1e6, 10, steady))  # usual: 1000
    assert z == pytest.approx(100 / math.sqrt(1000), rel=0.02)


def test_score_rises_with_the_count_and_falls_with_the_history() -> None:
    assert (np.diff(score(np.arange(1, 200), 12.0, 300.0, 10, CONFIG)) > 0).all()
    assert (np.diff(score(30, np.arange(0, 300), 300.0, 10, CONFIG)) < 0).all()


@pytest.mark.parametrize(("mass", "is_trend"), [(0.0, False), (1500.0, True)])
def test_a_new_keyword_is_a_trend_in_an_old_shop_but_not_in_one_that_knows_nothing_yet(
    mass: float, is_trend: bool
) -> None:
    assert bool(rising({"new": 12}, Baselines(100, {}, mass), CONFIG)) is is_trend


def test_exposure_follows_the_hour_of_day_across_midnight() -> None:
    hours = [float(hour) for hour in range(24)]
    assert exposure(24 * 60 * 50 - 3, 5, hours) == 3 * 23 + 2 * 0


def test_the_usual_rush_of_an_hour_is_no_trend() -> None:
    rush = [1.0] * 23 + [6.0]
    at = 60 * 23 + 30
    counts, seen = {"dress": 60}, {"dress": 300.0}
    assert rising(counts, Baselines(at, seen, 300.0), CONFIG)
    assert not rising(counts, Baselines(at, seen, 300.0, hours=rush), CONFIG)


def test_what_rises_with_the_whole_shop_is_no_trend_but_what_rises_above_it_is() -> None:
    seen = {f"k{n}": 600.0 + 10 * n for n in range(30)}
    usual = Baselines(100, seen, 195.0)  # k0: 30 in a window
    counts = {key: 9 * s * 10 / 200 for key, s in seen.items()} | {"linen": 60.0}
    assert len(rising(counts, usual, CONFIG)) == 31
    busy = shop_level(counts, usual, CONFIG)
    assert busy == pytest.approx(9, rel=0.01)
    assert [row[0] for row in rising(counts, dataclasses.replace(usual, level=busy), CONFIG)] == ["linen"]
    few = {key: counts[key] for key in ("k1", "k2", "k3")}
    assert shop_level(few, usual, CONFIG) == 1  # three are no shop
    assert shop_level({key: count / 20 for key, count in counts.items()}, usual, CONFIG) == 1


def test_too_few_people_are_no_trend_however_improbable() -> None:
    counts = {"four": CONFIG.min_users - 1.0, "five": float(CONFIG.min_users)}
    assert [row[0] for row in rising(counts, Baselines(100, {}, 1e6), CONFIG)] == ["five"]


def test_a_forgotten_keyword_has_at_most_what_the_least_remembered_has() -> None:
    counts = {"x": 8.0}
    assert rising(counts, Baselines(100, {}, 2000.0), CONFIG)
    assert not rising(counts, Baselines(100, {}, 2000.0, floor=900.0), CONFIG)


def build(change: Callable[[dict[str, float]], None] = lambda _: None) -> dict[str, float]:
    counts = {"linenshirt": 40.0, "wool": 20.0, "badword": 90.0, "coat": 30.0}
    change(counts)
    return counts


def test_the_list_is_ranked_shown_in_its_forms_and_without_what_is_blocked() -> None:
    baselines = Baselines(100, {"coat": 900.0}, 300.0)
    forms = {"linenshirt": "linen shirt", "badword": "very bad word"}
    rows = trending(build(), baselines, forms, blocking(["Bad word"]), CONFIG)
    assert [(row.rank, row.keyword, row.searches) for row in rows] == [(1, "linen shirt", 40), (2, "wool", 20)]
    assert rows[0].change == pytest.approx(40)  # 0.016 are usual: counted as one
    assert rows[0].baseline == pytest.approx(0.5 / 305 * 10, abs=1e-3)
    only_key = trending({"badword": 90.0}, baselines, {}, blocking(["bad word"]), CONFIG)
    assert only_key == []


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize(("before", "after"), [(0, 60), (1, 0), (1, 1), (3, 130)])
def test_a_window_across_an_hour_has_each_minutes_own_factor(hour: int, before: int, after: int) -> None:
    hours = [float(2**n) for n in range(24)]
    first = (20_000 * 24 + hour) * 60 - before  # minutes before the hour begins
    wanted, left, at = before * hours[hour - 1], after, hour
    while left > 0:
        wanted, left, at = wanted + min(left, 60) * hours[at % 24], left - 60, at + 1
    assert exposure(first, before + after, hours) == wanted


def test_baselines_are_exposed_over_the_window_that_ends_with_the_newest_minute() -> None:
    hours = tuple(float(2**n) for n in range(24))
    usual = Baselines(as_of=9 * 60 + 2, seen={}, mass=0.0, hours=hours)
    assert usual.window(5) == 2 * hours[8] + 3 * hours[9]


@pytest.mark.parametrize("known", [50, 51, 60])
def test_the_shops_level_is_the_median_of_the_50_keywords_with_the_most_searchers(known: int) -> None:
    usual = [200.0 - n for n in range(known)]
    ratios = [1.0 + n for n in range(known)]  # the 25th is 25, the 26th 26
    order = np.random.default_rng(7).permutation(known)
    counts = np.array([u * r for u, r in zip(usual, ratios, strict=True)])
    assert level(counts[order], np.array(usual)[order]) == pytest.approx(25.5)


@pytest.mark.parametrize(("keywords", "usual", "wanted"), [(8, 5.0, 3.0), (7, 5.0, 1.0), (8, 4.999, 1.0)])
def test_eight_keywords_with_five_searchers_are_a_shop_and_fewer_or_rarer_are_none(
    keywords: int, usual: float, wanted: float
) -> None:
    assert level([3 * usual] * keywords, [usual] * keywords) == pytest.approx(wanted)


def test_a_score_that_is_just_enough_is_a_trend_and_one_a_little_below_is_none() -> None:
    usual = Baselines(100, {"linen": 40.0}, 300.0)
    (z,) = [row[3] for row in rising({"linen": 30.0}, usual, dataclasses.replace(CONFIG, min_score=0.0))]
    at, above = (dataclasses.replace(CONFIG, min_score=least) for least in (z, math.nextafter(z, math.inf)))
    assert rising({"linen": 30.0}, usual, at) and not rising({"linen": 30.0}, usual, above)
