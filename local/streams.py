"""The streaming applications of one machine."""

from collections.abc import Iterable

LAKE = "lake"


def stream_commands(queries: Iterable[str]) -> dict[str, list[str]]:
    """Name → arguments of `stylestream` that run these queries: the lake is an application of its own, so that its
    commits, which nobody waits for, give way to the facts (docs/adr/0012)."""
    given = list(queries)
    chosen = {"stream": [name for name in given if name != LAKE], LAKE: [name for name in given if name == LAKE]}
    options = {LAKE: ["--unoptimised"]}
    return {name: ["stream", *names, *options.get(name, [])] for name, names in chosen.items() if names}
