"""One small edit that some test must fail on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`before`, which occurs once in `file`, becomes `after`; `tests` (pytest node ids) fail on it. `survives` says why
    none does, where that is right."""

    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    survives: str = ""
