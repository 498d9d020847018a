"""Where sessions repeat themselves the fitted blend is not below "recent items, then sequential rules"."""

import math
from pathlib import Path

import pytest

from bench import repeating
from bench.next_item import fitted, ranked, rules
from common.models.next_item_fit import figures, not_below_the_rules

ONE, NONE = [1], [0]


@pytest.mark.parametrize(
    ("ranks", "chosen"),
    [
        ({0.0: [1, 0], 1.0: [2, 2], math.inf: [4, 4]}, 1.0),  # 0.0 has less recall, though more in sum than the rules
        ({0.0: [4, 4, 4], 1.0: [0, 1, 1], math.inf: [3, 3, 3]}, math.inf),  # one has less of each
        ({0.0: [1, 1], 1.0: [1, 2], math.inf: [2, 2]}, 0.0),
        ({0.0: [2, 2], 1.0: [0, 0], math.inf: [2, 2]}, 0.0),  # as good is good enough
    ],
)
def test_the_best_blend_that_is_below_the_rules_in_nothing(ranks: dict[float, list[int]], chosen: float) -> None:
    assert not_below_the_rules(ranks) == chosen


def test_sessions_that_repeat_themselves_are_made_as_said() -> None:
    made = repeating.sessions(300)
    steps = repeating.questions(made, 10**6)
    again = sum(target in seen for seen, target in steps) / len(steps)
    assert 0.5 < again < 0.65
    assert all(target != seen[-1] for seen, target in steps)
    assert made == repeating.sessions(300)
    assert made != repeating.sessions(300, seed=8)


def test_what_is_fitted_is_not_below_the_rules(tmp_path: Path) -> None:
    made = repeating.sessions(2_600)
    train, asked = made[:2_400], repeating.questions(made[2_400:], 1_500)
    model = fitted(train, str(tmp_path), lambda _: None)
    ours = figures(ranked(lambda seen: [item for item, _ in model.candidates(seen, 20).items], asked)[0])
    theirs = figures(ranked(rules(train), asked)[0])
    assert ours[0] >= theirs[0]
    assert ours[1] > 1.2 * theirs[1]
