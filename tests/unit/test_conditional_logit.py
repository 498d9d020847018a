"""The conditional logit against its closed form and its first-order condition."""

import numpy as np
import pytest

from common.models.conditional_logit import fit, likelihood


def test_two_candidates_and_one_signal_give_the_log_odds() -> None:
    signals = np.tile([[1.0], [0.0]], (100, 1))
    starts = np.arange(0, 200, 2)
    chosen = starts + (np.arange(100) >= 80)  # the first candidate in 80 of 100
    assert fit(signals, starts, chosen)[0] == pytest.approx(np.log(80 / 20), rel=1e-2)


def test_at_the_weights_what_was_chosen_has_the_signals_that_were_expected() -> None:
    rng = np.random.default_rng(4)
    lengths = rng.integers(2, 9, 3000)
    starts, x = np.cumsum(lengths) - lengths, rng.normal(size=(lengths.sum(), 3))
    truth = np.array([1.5, -0.7, 0.0])
    noisy = x @ truth + rng.gumbel(size=len(x))
    chosen = np.array([s + np.argmax(noisy[s : s + n]) for s, n in zip(starts, lengths, strict=True)])
    weights = fit(x, starts, chosen)
    assert weights == pytest.approx(truth, abs=0.1)
    share = likelihood(x, starts, chosen, weights)[1]
    assert (share[:, None] * x).sum(axis=0) / len(starts) == pytest.approx(x[chosen].mean(axis=0), abs=1e-2)


def test_a_signal_that_never_varies_and_no_question_at_all_weigh_nothing() -> None:
    signals = np.column_stack([np.tile([1.0, 0.0], 50), np.zeros(100)])
    starts = np.arange(0, 100, 2)
    assert fit(signals, starts, starts + (starts % 10 == 0))[1] == pytest.approx(0, abs=1e-6)
    assert fit(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, int)).tolist() == [0, 0]
