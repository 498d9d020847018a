"""Valid events for tests, each with an id of its own."""

import itertools
import random
import string
import time
from typing import Any

from common.validate import rfc3339

_numbers = itertools.count()
# Letters: one in ten numbers as long as a time looks like a card number, and is then masked where it is kept.
_RUN = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=12))


def event(event_type: str = "click", **fields: Any) -> dict[str, Any]:
    """A valid event of now; `fields` replace or add, None leaves a field out."""
    made: dict[str, Any] = {
        "event_id": f"e-{_RUN}-{next(_numbers)}",
        "event_type": event_type,
        "event_time": rfc3339(time.time_ns() // 1_000_000),
        "user_id": "u-1",
        "item_id": "i-1",
    }
    made |= fields
    return {name: value for name, value in made.items() if value is not None}
