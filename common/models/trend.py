"""How improbable the searchers of a window are under a keyword's usual rate.

A keyword's usual rate λ (searchers a minute, at an hour with factor 1) is believed to be Gamma distributed. Each
minute m before the window is evidence that fades with age: S = Σ n(m)·2^((m − now)/half-life) searchers were seen
in M = Σ h(m)·2^((m − now)/half-life) minutes, where h is the hour-of-day factor. With the prior a₀ searchers in
b₀ minutes the mean is λ = (a₀ + S)/(b₀ + M), an EWMA that knows how much history it rests on. The window's count n
is then negative binomial with mean μ = λ·Σh over the window and shape r = min(a₀ + S, dispersion): little history
widens it, and however long the history, demand varies by 1/√dispersion. A new keyword in an old shop has
S = 0 at a large M: μ near 0. In a new shop nothing is sure yet: small r.

The score is the signed root of the deviance, a z for small counts too (McCullagh, Nelder: Generalized Linear
Models, 1989, ch. 2.4 and 11): √(2·[n·ln(n/μ) − (n + r)·ln((n + r)/(μ + r))]), negative below μ.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from common.config import KeywordsConfig

Floats = npt.NDArray[np.float64]
EVEN = (1.0,) * 24
HEAD, HEAD_LEAST, HEAD_USUAL = 50, 8, 5.0


def exposure(first_minute: int, minutes: int, hours: Sequence[float] = EVEN) -> float:
    """Σ of the hour-of-day factors (UTC) of `minutes` epoch minutes from `first_minute`."""
    return float(sum(hours[minute // 60 % 24] for minute in range(first_minute, first_minute + minutes)))


def expected(seen: npt.ArrayLike, mass: float, window: float, config: KeywordsConfig) -> Floats:
    """μ: searchers expected in a window of `window` (`exposure`), for `seen` = S and `mass` = M."""
    rate = (np.asarray(seen, float) + config.prior_searches) / (mass + config.prior_minutes)
    return np.asarray(rate * window, float)


def level(count: npt.ArrayLike, usual: npt.ArrayLike) -> float:
    """How much busier the whole shop is than usual, at least 1: what rises with all others is no trend.

    The median of count by usual over the `HEAD` keywords that usually have the most searchers (at least
    `HEAD_USUAL`), so that no few trends move it; 1 with fewer than `HEAD_LEAST` of them.
    """
    n, mu = np.asarray(count, float), np.asarray(usual, float)
    head = np.flatnonzero(mu >= HEAD_USUAL)
    head = head[np.argsort(-mu[head], kind="stable")[:HEAD]]
    return max(1.0, float(np.median(n[head] / mu[head]))) if len(head) >= HEAD_LEAST else 1.0


def score(count: npt.ArrayLike, seen: npt.ArrayLike, mass: float, window: float, config: KeywordsConfig) -> Floats:
    """z of each `count` of distinct searchers in the window; monotone in it."""
    n: Any = np.asarray(count, float)
    mu = expected(seen, mass, window, config)
    shape = np.minimum(np.asarray(seen, float) + config.prior_searches, config.dispersion)
    own = np.where(n > 0, n * np.log(np.maximum(n, 1e-300) / mu), 0.0)
    deviance = 2 * (own - (n + shape) * np.log((n + shape) / (mu + shape)))
    return np.asarray(np.sign(n - mu) * np.sqrt(np.maximum(deviance, 0.0)), float)
