"""Which of several candidates is chosen: McFadden's conditional logit (1974), fitted by Newton's method.

P(candidate) = exp(w·x) / Σ exp(w·x) over the candidates of one question. Concave in w, so there is one best w and
nothing to tune. In: candidates of all questions one below the other, where each question begins, which row was chosen.
"""

import numpy as np

from common.models.sparse_rows import Floats, Ints

RIDGE = 1e-4  # on standardised signals: two that say the same share their weight
STEPS = 30
ENOUGH = 1e-6


def fit(signals: Floats, starts: Ints, chosen: Ints) -> Floats:
    """Weights, one a signal; a signal that never varies gets about 0. Without a question all are 0."""
    if not len(starts):
        return np.zeros(signals.shape[1])
    scale = signals.std(axis=0) + 1e-6
    x = (signals / scale).astype(np.float32)
    weights = np.zeros(x.shape[1])
    value, share = likelihood(x, starts, chosen, weights)
    for _ in range(STEPS):
        step = _newton(x, starts, chosen, share, weights)
        for size in (1.0, 0.5, 0.25, 0.1, 0.02):
            better, its_share = likelihood(x, starts, chosen, weights + size * step)
            if better > value:
                break
        else:
            break
        gain, value, share, weights = better - value, better, its_share, weights + size * step
        if gain < ENOUGH:
            break
    return np.asarray(weights / scale)


def likelihood(x: Floats, starts: Ints, chosen: Ints, weights: Floats) -> tuple[float, Floats]:
    """Mean log-likelihood less the ridge, and each candidate's probability."""
    score = x @ weights.astype(x.dtype)
    lengths = np.diff(starts, append=len(x))
    top = np.maximum.reduceat(score, starts)
    raised = np.exp(score - np.repeat(top, lengths))
    total = np.add.reduceat(raised, starts)
    value = float(np.mean(score[chosen] - top - np.log(total))) - RIDGE / 2 * float(weights @ weights)
    return value, raised / np.repeat(total, lengths)


def _newton(x: Floats, starts: Ints, chosen: Ints, share: Floats, weights: Floats) -> Floats:
    weighted = share[:, None] * x
    mean = np.add.reduceat(weighted, starts, axis=0)
    slope = (x[chosen] - mean).sum(axis=0) / len(starts) - RIDGE * weights
    curve = (x.T @ weighted - mean.T @ mean) / len(starts) + RIDGE * np.eye(len(weights))
    return np.asarray(np.linalg.solve(curve.astype(float), slope.astype(float)))
