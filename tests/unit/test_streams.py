"""On one machine the lake is an application of its own, below the facts; nothing is run that is not configured."""

import pytest

from local.process import NICENESS, at_its_priority
from local.streams import stream_commands

LAKE = ["stream", "lake", "--unoptimised"]


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        (["facts", "lake", "catalog"], {"stream": ["stream", "facts", "catalog"], "lake": LAKE}),
        (["catalog", "facts"], {"stream": ["stream", "catalog", "facts"]}),
        (["lake"], {"lake": LAKE}),
    ],
)
def test_each_query_runs_in_one_of_them(queries: list[str], expected: dict[str, list[str]]) -> None:
    assert stream_commands(queries) == expected


def test_in_a_demo_none_waits_for_the_optimising_compiler() -> None:
    commands = stream_commands(["facts", "lake"], ("stream", "lake"))
    assert commands == {"stream": ["stream", "facts", "--unoptimised"], "lake": LAKE}


def test_the_lake_gives_way_to_the_facts() -> None:
    arguments = stream_commands(["facts", "lake"])["lake"]
    lake, facts = (at_its_priority(given, ["program"]) for given in (arguments, ["stream", "facts"]))
    assert int(lake[3]) == int(NICENESS["stream lake"]) > int(facts[3]) == int(NICENESS["stream"])
