"""The search is bounded, keeps the better third, ends with the best, and begins with the configuration's own."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from batch.search import Tried, halving, radical_inverse, settings
from common.config import AlsConfig
from common.config_load import load_config

ALS = load_config(env={}).als


def asked(trials: int) -> AlsConfig:
    return replace(ALS, rank=64, iterations=8, search=replace(ALS.search, trials=trials))


def closeness(als: AlsConfig) -> float:
    """Largest at alpha 3, regularisation 0.05."""
    return -(math.log(als.alpha / 3) ** 2) - math.log(als.regularization / 0.05) ** 2


def test_a_third_goes_on_and_the_best_ends_it() -> None:
    judged: list[AlsConfig] = []

    def judge(als: AlsConfig) -> float:
        judged.append(als)
        return closeness(als)

    start = settings(asked(18))
    found = halving(start, judge, lambda: False)
    assert [(als.iterations, als.rank) for als in judged] == [(2, 32)] * 18 + [(4, 32)] * 6 + [(8, 64)] * 2
    assert found[-1].als == max(start, key=closeness)
    assert (found[-1].als.iterations, found[-1].als.rank) == (8, 64)


def test_no_trial_begins_when_it_is_late_but_one() -> None:
    def judge(_: AlsConfig) -> float:
        return 0.5

    assert halving(settings(asked(9)), judge, lambda: True) == [Tried(asked(9), 0.5)]
    answers = iter([False] * 3 + [True] * 20)
    found = halving(settings(asked(9)), lambda als: als.alpha, lambda: next(answers))
    assert len(found) == 4
    assert found[-1].ndcg == max(one.ndcg for one in found)


def test_settings_begin_with_the_own_and_stay_within_the_ranges() -> None:
    found = settings(asked(30))
    wide = ALS.search
    assert found[0] == asked(30)
    assert len({(als.alpha, als.regularization) for als in found}) == 30
    assert all(wide.alpha[0] <= als.alpha <= wide.alpha[1] for als in found[1:])
    assert all(wide.regularization[0] <= als.regularization <= wide.regularization[1] for als in found[1:])
    assert {als.rank for als in found} == {64}
    assert len(settings(asked(1))) == 1


@given(st.integers(1, 10**6), st.sampled_from([2, 3]))
def test_a_radical_inverse_mirrors_the_digits(n: int, base: int) -> None:
    digits = []
    rest = n
    while rest:
        rest, digit = divmod(rest, base)
        digits.append(digit)
    assert math.isclose(radical_inverse(n, base), sum(d / base ** (k + 1) for k, d in enumerate(digits)))
