"""The Lua scripts beside this file: what Redis does in one step."""

from functools import cache
from pathlib import Path


@cache
def lua(name: str) -> str:
    """The text of `<name>.lua`."""
    return (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8")
