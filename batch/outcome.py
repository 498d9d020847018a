"""How a batch job ended, and the exit code that scripts and the scheduler read.

| code | status | meaning |
|---|---|---|
| 0 | done | what the job makes is written and published |
| 10 | refused | made, but not published: the quality gate kept it back, or what is served is newer and stays |
| 11 | no-data | the lake does not hold enough yet: try again soon |

Errors have the codes of `common.errors` (1 to 4).
"""

from dataclasses import dataclass
from typing import Literal

Status = Literal["done", "refused", "no-data"]
EXIT_CODES: dict[Status, int] = {"done": 0, "refused": 10, "no-data": 11}


@dataclass(frozen=True)
class Outcome:
    """`message` is one line for people."""

    status: Status
    message: str

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]
