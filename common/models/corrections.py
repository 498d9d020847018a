"""What is usual: a category's traffic by hour of day, and the factors that make a ranking fair to it.

Rates are weighted actions an hour. Little data is smoothed as a Gamma prior does for Poisson counts: with A actions
in H hours and a prior worth k hours at rate m the posterior mean is (A + k·m) / (H + k) (Gelman et al., Bayesian
Data Analysis, 3rd ed., 2.6). A category is drawn to the mean of all categories, its hours to its own mean times the
shop's daily course. A new category thus starts as an average one.
"""

import numpy as np
import numpy.typing as npt

from common.config import RankingConfig

Array = npt.NDArray[np.float64]
HOURS = 24


def usual_rates(actions: Array, days: Array, prior_hours: float) -> Array:
    """Smoothed rates, categories × 24.

    In: `actions`, weighted actions of each category in each hour of the day, categories × 24; `days`, on how many days
    each hour was observed, 24. An hour never observed follows its category's mean. Without any observation: ones.
    """
    hours = days.sum()
    overall = actions.sum() / (hours * len(actions)) if hours and len(actions) else 0.0
    if overall <= 0:
        return np.ones_like(actions, dtype=np.float64)
    mean = (actions.sum(axis=1) + prior_hours * overall) / (hours + prior_hours)
    prior_days = prior_hours / HOURS
    shop = (actions.sum(axis=0) / len(actions) + prior_days * overall) / (days + prior_days) / overall
    expected = mean[:, None] * shop[None, :]
    rates: Array = (actions + prior_days * expected) / (days[None, :] + prior_days)
    return rates


def kernel(ranking: RankingConfig) -> Array:
    """How much an action counts by the hour of day it happened in, 0 = the current hour and going back, 24.

    A window counts its minutes alike, a decayed ranking 2^(−age / half-life), of all days.
    """
    minutes = HOURS * 60
    if ranking.kind == "window":
        whole, rest = divmod(ranking.minutes, minutes)
        weight = np.full(minutes, float(whole))
        weight[:rest] += 1.0
    else:
        weight = 2.0 ** (-np.arange(minutes) / ranking.minutes) / (1 - 2.0 ** (-minutes / ranking.minutes))
    by_hour: Array = weight.reshape(HOURS, 60).sum(axis=1) / 60
    return by_hour


def factors(rates: Array, ranking: RankingConfig, bound: float) -> tuple[Array, Array]:
    """What a score is multiplied by at each hour of the day: (categories × 24, for a category not among them 24).

    usual score at hour h = Σ_j kernel_j · rate_(h−j); factor = mean usual score of all categories and hours / the
    category's at h, within [1/bound, bound]. So a score that is twice what is usual ranks alike everywhere.
    """
    weights = kernel(ranking)
    back = (np.arange(HOURS)[:, None] - np.arange(HOURS)[None, :]) % HOURS  # [h, j] → the hour j hours before h
    usual = np.einsum("chj,j->ch", rates[:, back], weights)
    mean = usual.mean()
    fair: Array = np.clip(mean / usual, 1 / bound, bound)
    other: Array = np.clip(mean / usual.mean(axis=0), 1 / bound, bound)
    return fair, other
