"""The streaming applications of one machine."""

from collections.abc import Iterable

STREAM, LAKE = "stream", "lake"


def stream_commands(queries: Iterable[str], unoptimised: Iterable[str] = (LAKE,)) -> dict[str, list[str]]:
    """Name → arguments of `stylestream` that run these queries: the lake is an application of its own, so that its
    commits, which nobody waits for, give way to the facts (docs/adr/0012). `unoptimised`: which of the applications
    go without the JVM's optimising compiler."""
    given = list(queries)
    chosen = {STREAM: [name for name in given if name != LAKE], LAKE: [name for name in given if name == LAKE]}
    options = {name: ["--unoptimised"] for name in unoptimised}
    return {name: ["stream", *names, *options.get(name, [])] for name, names in chosen.items() if names}
