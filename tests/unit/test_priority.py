"""What somebody waits for comes before what runs in the background, also where Linux shares the CPU by session."""

import subprocess
from pathlib import Path

import pytest

from local.process import NICENESS, at_its_priority

AUTOGROUP = Path("/proc/self/autogroup")


def said(arguments: str, *command: str) -> str:
    """What a command writes that is started as `stylestream <arguments>`."""
    return subprocess.run(
        at_its_priority(arguments.split(), command), start_new_session=True, capture_output=True, text=True, check=True
    ).stdout


def test_the_stream_steps_back_and_the_api_does_not() -> None:
    own = int(said("serve", "nice"))
    assert int(said("stream facts catalog", "nice")) == min(own + int(NICENESS["stream"]), 19)
    assert int(said("stream lake", "nice")) == min(own + int(NICENESS["stream lake"]), 19)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not group processes by session")
def test_so_does_its_session() -> None:
    assert said("stream", "cat", str(AUTOGROUP)).split()[-1] == NICENESS["stream"]
    assert said("serve", "cat", str(AUTOGROUP)).split()[-1] == "0"


def test_arguments_arrive_as_they_are() -> None:
    assert said("batch", "printf", "%s|", "a b", "$0", "") == "a b|$0||"
