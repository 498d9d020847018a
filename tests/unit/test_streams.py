"""On one machine the lake is an application of its own, below the facts; nothing is run that is not configured."""

import pytest

from local.process import NICENESS
from local.streams import stream_commands


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        (["facts", "lake", "catalog"], {"stream": ["stream", "facts", "catalog"], "lake": ["stream", "lake"]}),
        (["catalog", "facts"], {"stream": ["stream", "catalog", "facts"]}),
        (["lake"], {"lake": ["stream", "lake"]}),
    ],
)
def test_each_query_runs_in_one_of_them(queries: list[str], expected: dict[str, list[str]]) -> None:
    assert stream_commands(queries) == expected


def test_the_lake_gives_way_to_the_facts() -> None:
    lake = " ".join(stream_commands(["facts", "lake"])["lake"])
    assert int(NICENESS[lake]) > int(NICENESS["stream"])
