"""Lengths of time as Spark writes them: `10 minutes`, `90 seconds`, `0 seconds`."""

UNIT_MS = {"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}

MOST_DAYS = 36_525  # a century: the longest time that any key of the configuration takes


def duration_ms(text: str) -> int:
    """Milliseconds of a text that has passed `common.config.Duration`."""
    number, unit = text.split()
    return int(number) * UNIT_MS[unit]
