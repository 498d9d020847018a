"""Query streams with known trends, as searchers a minute: simulated, and made of real hot-search lists."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from common.errors import ConfigError

DAY = 24 * 60
EVERGREEN = 1500
EVERGREEN_A_MINUTE = 1500.0
DEMAND_SWING = 0.15  # standard deviation of an evergreen keyword's demand from hour to hour, relative
HEAT_A_SEARCHER = 50_000.0
NEW_AFTER_HOURS = 24
AFTER_LISTED = 60
COLUMNS = ("date", "hour", "title", "hot")


@dataclass(frozen=True)
class Stream:
    """`counts[minute, keyword]`: distinct searchers. A trend is (keyword, first minute, last minute): what shows the
    keyword between them is right, at other times wrong. Before `measured` nothing is judged."""

    counts: npt.NDArray[np.int32]
    trends: list[tuple[int, int, int]]
    measured: int


def evergreen(rng: np.random.Generator, minutes: int, total: float = EVERGREEN_A_MINUTE) -> npt.NDArray[np.float64]:
    """Rates of keywords that are always searched: Zipf, more in the evening than at night, each with slow swings."""
    usual = 1.0 / np.arange(1, EVERGREEN + 1)
    hours = np.arange(minutes) / 60
    day = 1 + 0.6 * np.sin(2 * np.pi * (hours - 14) / 24)
    marks = rng.gamma(1 / DEMAND_SWING**2, DEMAND_SWING**2, (minutes // 60 + 2, EVERGREEN))
    at, part = hours.astype(int), (hours % 1)[:, None]
    swing = marks[at] * (1 - part) + marks[at + 1] * part
    return np.asarray(total * usual / usual.sum() * day[:, None] * swing, float)


def simulated(seed: int, days: int) -> Stream:
    """A day to learn, then every 3 hours 10 trends that begin in the same minute and last an hour.

    Half of them are keywords never searched before, half rare ones; each rises within a minute to 6 to 40
    searchers a minute.
    """
    rng = np.random.default_rng(seed)
    minutes = (1 + days) * DAY
    starts = range(DAY + 30, minutes - 90, 180)
    rates = np.hstack([evergreen(rng, minutes), np.zeros((minutes, 5 * len(starts)))])
    trends = []
    for wave, start in enumerate(starts):
        rare = rng.choice(np.arange(EVERGREEN // 3, EVERGREEN), 5, replace=False)
        for keyword in (*rare.tolist(), *range(EVERGREEN + 5 * wave, EVERGREEN + 5 * wave + 5)):
            level = float(np.exp(rng.uniform(np.log(6), np.log(40))))
            rates[start, keyword] += level / 2
            rates[start + 1 : start + 60, keyword] += level
            trends.append((keyword, start, start + 59))
    return Stream(rng.poisson(rates).astype(np.int32), trends, DAY)


Lists = list[tuple[int, dict[str, float]]]  # (hour since the first, title → heat), in order


def read_lists(file: Path) -> Lists:
    """Hourly lists of a Parquet file with date, hour, title and hot; `ConfigError` when it is none."""
    try:
        table = pq.read_table(file, columns=list(COLUMNS))
        columns = [table[name].to_pylist() for name in COLUMNS]
        lists: dict[int, dict[str, float]] = {}
        for date, hour, title, hot in zip(*columns, strict=True):
            number = int(np.datetime64(str(date), "h").astype(int)) + int(hour)
            listed = lists.setdefault(number, {})
            listed[title] = max(float(hot), listed.get(title, 0.0))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"--lists {file}: not hourly lists with {', '.join(COLUMNS)} ({error})") from None
    first = min(lists)
    return [(number - first, lists[number]) for number in sorted(lists)]


def from_lists(lists: Lists, first_hour: int, days: int, seed: int) -> Stream:
    """`days` of the lists as searches among evergreen ones; the first day is to learn.

    A title's searchers a minute are its heat by `HEAT_A_SEARCHER`, straight from list to list, from nothing at
    the last list without it. A trend is a title that enters the list after `NEW_AFTER_HOURS` without it: from the
    list before (there the rise begins) to an hour after.
    """
    part = [(hour - first_hour, heats) for hour, heats in lists if 0 <= hour - first_hour < days * 24]
    rng = np.random.default_rng(seed)
    minutes = days * DAY
    titles = {title: EVERGREEN + n for n, title in enumerate(dict.fromkeys(t for _, heats in part for t in heats))}
    marks = np.array([hour * 60 for hour, _ in part])
    heat = np.zeros((len(part), len(titles)))
    last: dict[str, int] = {}
    trends = []
    for row, (hour, heats) in enumerate(part):
        for title, hot in heats.items():
            heat[row, titles[title] - EVERGREEN] = hot / HEAT_A_SEARCHER
            if hour >= 24 and hour - last.get(title, -NEW_AFTER_HOURS) >= NEW_AFTER_HOURS:
                trends.append((titles[title], int(marks[row - 1]), hour * 60 + AFTER_LISTED))
            last[title] = hour
    rates = evergreen(rng, minutes)
    counts = np.zeros((minutes, EVERGREEN + len(titles)), np.int32)
    counts[:, :EVERGREEN] = rng.poisson(rates)
    clock = np.arange(minutes)
    for n in range(len(titles)):
        counts[:, EVERGREEN + n] = rng.poisson(np.interp(clock, marks, heat[:, n]))
    return Stream(counts, trends, DAY)
