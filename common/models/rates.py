"""Rates of little data: drawn to what is usual, the more the less has been seen.

An item with n opportunities (views) of which y led on (purchases) has y ~ Poisson(n θ), θ ~ Gamma(b m, b): m is what is
usual in its category, b how many views' worth that is believed. The posterior mean is (y + b m) / (n + b) (Gelman et
al., Bayesian Data Analysis, 3rd ed., 2.6). b is learned by moments, weighted by n (Marshall, Applied Statistics 40,
1991, 283–294): the rates' variance beyond what Poisson counts vary by is that of θ, m / b.
"""

from dataclasses import dataclass

MOST = 1e12  # a strength at which nothing but the usual rate is believed


def rate_name(name: str, version: str) -> str:
    """What a version of a rate is called among the rankings."""
    return f"{name}@{version}"


@dataclass(frozen=True)
class Spread:
    """Sums over units i with y_i of n_i and usual rates m_i: Σ n (y/n − m)², Σ m, Σ n m, Σ n."""

    squares: float
    means: float
    weighted: float
    seen: float


def strength(spread: Spread) -> float:
    """b = m̄ / A, A = Σ n (r − m)² / Σ n − Σ m / Σ n; `MOST` where the rates vary no more than chance lets them."""
    if spread.seen <= 0 or spread.weighted <= 0:
        return MOST
    between = (spread.squares - spread.means) / spread.seen
    return min(MOST, spread.weighted / spread.seen / between) if between > 0 else MOST


def spread(units: list[tuple[float, float, float]]) -> Spread:
    """Of (y, n, m) each, n > 0."""
    return Spread(
        sum(n * (y / n - m) ** 2 for y, n, m in units),
        sum(m for _, _, m in units),
        sum(n * m for _, n, m in units),
        sum(n for _, n, _ in units),
    )


def smoothed(y: float, n: float, usual: float, believed: float) -> float:
    """The posterior mean."""
    return (y + believed * usual) / (n + believed)
