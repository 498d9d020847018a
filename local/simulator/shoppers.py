"""The shop's users and their latent tastes: what every choice in the simulation is drawn from.

A user likes few categories and styles (sparse Dirichlet vectors), shops at a price level (in standard
deviations of log price within a category), at some hours of the day, and buys with an own propensity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from local.simulator.catalog import CATEGORIES, STYLES

Floats = NDArray[np.float64]
COUNTRIES = ("GB", "KR", "DE", "FR", "US", "IE", "ES", "IT")
COUNTRY_SHARES = (0.55, 0.1, 0.08, 0.07, 0.07, 0.05, 0.04, 0.04)


@dataclass
class Shoppers:
    """Users by index. `*_cdf` are cumulative tastes, `by_hour` cumulative chances to be active."""

    ids: list[str]
    category_taste: Floats
    style_taste: Floats
    category_cdf: Floats
    style_cdf: Floats
    price_level: list[float]
    propensity: list[float]
    peak_hour: list[int]
    activity: Floats
    country: list[str]

    def by_hour(self, hour: int) -> list[float]:
        """Cumulative activity of all users in this hour of the day (UTC)."""
        away = np.abs((np.array(self.peak_hour) - hour + 12) % 24 - 12)
        weight = self.activity * (0.1 + np.exp(-0.5 * (away / 3.0) ** 2))
        cdf: list[float] = (np.cumsum(weight) / weight.sum()).tolist()
        return cdf


def draw_shoppers(rng: np.random.Generator, users: int) -> Shoppers:
    """`users` users; the category taste has a mean of about three liked categories."""
    categories = _tastes(rng, 0.08, len(CATEGORIES), users)
    styles = _tastes(rng, 0.3, len(STYLES), users)
    return Shoppers(
        ids=[f"u{n:05d}" for n in range(users)],
        category_taste=categories,
        style_taste=styles,
        category_cdf=np.cumsum(categories, axis=1),
        style_cdf=np.cumsum(styles, axis=1),
        price_level=rng.normal(0.0, 0.8, users).tolist(),
        propensity=rng.beta(2.0, 3.0, users).tolist(),
        peak_hour=(rng.normal(20, 4, users).astype(int) % 24).tolist(),
        activity=rng.lognormal(0.0, 0.6, users),
        country=rng.choice(COUNTRIES, size=users, p=COUNTRY_SHARES).tolist(),
    )


def _tastes(rng: np.random.Generator, alpha: float, things: int, users: int) -> Floats:
    """Sparse tastes with a floor: nobody is certain never to look elsewhere."""
    return 0.97 * rng.dirichlet(np.full(things, alpha), users) + 0.03 / things
