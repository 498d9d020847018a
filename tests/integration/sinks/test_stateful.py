"""Rankings and keywords however writes, losses, time and merges follow each other: 500 steps of `machine`."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from common.config import Config
from tests.integration.sinks.machine import Machine


def test_however_writes_losses_time_and_merges_follow_each_other_rankings_and_keywords_are_a_count(
    apart: Config,
) -> None:
    often = settings(max_examples=40, stateful_step_count=20, derandomize=True, deadline=None)
    Machine.steps = 0
    run_state_machine_as_test(lambda: Machine(apart), settings=often)
    assert Machine.steps > 500
