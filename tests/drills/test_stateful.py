"""10,000 steps of the machine of rankings and keywords, other ones each time: some four minutes, no difference.

Prints how many. Where there is one, the fewest steps that lead to it; and the seed, which SEED repeats.
"""

import os
import random
import time
from pathlib import Path

from hypothesis import seed, settings
from hypothesis.stateful import get_state_machine_test

from tests.integration.redis_clock import with_a_clock
from tests.integration.sinks.machine import Machine

STEPS = 10_000
AT_ONCE = 20  # steps of one machine; hypothesis ends some of them early


def test_ten_thousand_steps_make_no_difference(tmp_path: Path) -> None:
    first = int(os.environ.get("SEED") or random.randrange(10**6))
    Machine.steps, began, runs = 0, time.monotonic(), 0
    with with_a_clock(tmp_path) as config:
        often = settings(max_examples=STEPS // AT_ONCE, stateful_step_count=AT_ONCE, deadline=None, database=None)
        while Machine.steps < STEPS:
            print(f"SEED={first + runs}", flush=True)
            seed(first + runs)(get_state_machine_test(lambda: Machine(config), settings=often))()
            runs += 1
            print(f"{Machine.steps} steps in {time.monotonic() - began:.0f} s, no difference", flush=True)
