"""Quality of trending keywords: the scoring code on streams with known trends, beside two simple ways to rank.

Each minute each way shows up to ten keywords: the platform's (`common.models.trend`, with its least z and least
people), the ten most searched of the window, and the ten that grew most from the window before. The last shows
much by chance and so finds much early; hence also a growth ratio with the lowest threshold at which it is no
noisier than the platform.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from batch.keywords import shrunk
from bench.keyword_streams import DAY, Stream, from_lists, read_lists, simulated
from bench.report import Row, row
from bench.stack import Ask
from common.config import KeywordsConfig
from common.models.trend import expected, exposure, level, score

SHOWN = 10
WITHIN = 3  # minutes after onset
WEEK = 7
OURS, RAW, GROWTH, QUIET = "z", "raw count", "growth ratio", "growth ratio, as quiet"
THRESHOLDS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
Counts = npt.NDArray[np.float64]
Ways = dict[str, list[int]]


@dataclass
class Judge:
    """What one way of ranking showed, against the truth."""

    stream: Stream
    first_seen: dict[int, int] = field(default_factory=dict)  # trend → minute it was first shown
    at_three: list[float] = field(default_factory=list)
    shown: int = 0
    right: int = 0
    false_trends: int = 0
    _before: set[int] = field(default_factory=set)

    def look(self, minute: int, top: list[int], active: dict[int, int], begun: list[int]) -> None:
        """`active`: keyword → its trend now; `begun`: keywords whose trends began `WITHIN` minutes ago."""
        self.shown += len(top)
        for keyword in top:
            if keyword in active:
                self.right += 1
                self.first_seen.setdefault(active[keyword], minute)
            elif keyword not in self._before:
                self.false_trends += 1
        self._before = set(top)
        if begun:
            self.at_three.append(len(set(top) & set(begun)) / min(SHOWN, len(begun)))

    def delays(self) -> list[float]:
        """Minutes from the start of each trend to its first showing; endless where it was never shown."""
        starts = [start for _, start, _ in self.stream.trends]
        return [self.first_seen.get(n, 10**9) - start for n, start in enumerate(starts)]


def judged(stream: Stream, config: KeywordsConfig) -> dict[str, Judge]:
    """Every way's judge (each threshold is a way) after the whole stream.

    A trend may be shown rightly until it has left the window.
    """
    judges = {name: Judge(stream) for name in (OURS, RAW, GROWTH, *map(above, THRESHOLDS))}
    starts: dict[int, list[int]] = {}
    for number, (_, start, _) in enumerate(stream.trends):
        starts.setdefault(start, []).append(number)
    active: dict[int, int] = {}
    for minute, ways in ranked(stream, config):
        for number in starts.get(minute, ()):
            active[stream.trends[number][0]] = number
        over = [k for k, n in active.items() if minute > stream.trends[n][2] + config.window_minutes]
        for keyword in over:
            del active[keyword]
        begun = [stream.trends[n][0] for n in starts.get(minute - WITHIN + 1, ())]
        for name, top in ways.items():
            judges[name].look(minute, top, active, begun)
    return judges


def ranked(stream: Stream, config: KeywordsConfig) -> Iterator[tuple[int, Ways]]:
    """Each measured minute (at its end) with what each way shows, best first."""
    counts, width = stream.counts, config.window_minutes
    hours = learned_hours(stream)
    fade = 2.0 ** (-1 / config.half_life_minutes)
    seen, mass = np.zeros(counts.shape[1]), 0.0
    window, before = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
    for minute in range(len(counts)):
        window += counts[minute]
        seen, mass = seen * fade, mass * fade
        if minute >= width:
            leaving = counts[minute - width]
            window -= leaving
            before += leaving
            seen += leaving * fade**width
            mass += hours[(minute - width) // 60 % 24] * fade**width
        if minute >= 2 * width:
            before -= counts[minute - 2 * width]
        if minute >= stream.measured:
            usual = exposure(minute - width + 1, width, hours)
            enough = window >= config.min_users
            usual *= level(window[enough], expected(seen[enough], mass, usual, config))
            z = score(window, seen, mass, usual, config)
            growth = (window + 1) / (before + 1)
            yield (
                minute,
                {
                    OURS: best(z, enough & (z >= config.min_score)),
                    RAW: best(window, enough),
                    GROWTH: best(growth, enough),
                    **{above(least): best(growth, enough & (growth >= least)) for least in THRESHOLDS},
                },
            )


def above(least: float) -> str:
    """The name of the growth ratio with a threshold."""
    return f"growth ratio ≥ {least}"


def compared(judges: dict[str, list[Judge]]) -> dict[str, list[Judge]]:
    """Ours, the simple ways, and the growth ratio with the lowest threshold that makes it no noisier than ours."""
    noise = {name: sum(judge.false_trends for judge in parts) for name, parts in judges.items()}
    quiet = [above(least) for least in THRESHOLDS if noise[above(least)] <= noise[OURS]]
    chosen = {name: judges[name] for name in (OURS, RAW, GROWTH)}
    return chosen | {QUIET: judges[quiet[0] if quiet else above(THRESHOLDS[-1])]}


def best(values: Counts, allowed: npt.NDArray[np.bool_]) -> list[int]:
    """The `SHOWN` largest of what is allowed."""
    places = np.flatnonzero(allowed)
    return [int(n) for n in places[np.argsort(-values[places], kind="stable")[:SHOWN]]]


def learned_hours(stream: Stream) -> list[float]:
    """Hour-of-day factors as the batch job learns them, from the day before what is measured."""
    total = stream.counts[: stream.measured].sum(axis=1).reshape(-1, 60).sum(axis=1)
    by_hour: dict[int, tuple[float, float]] = {}
    for number, searchers in enumerate(total.tolist()):
        before = by_hour.get(number % 24, (0.0, 0.0))
        by_hour[number % 24] = (before[0] + searchers, before[1] + 60.0)
    return shrunk(by_hour)


def measure(ask: Ask) -> list[Row]:
    """Rows on simulated trends, and on real lists where a file is given (`--lists`)."""
    config = ask.config.keywords
    ask.say("simulated query counts")
    rows = simulation_rows(simulated(ask.config.simulator.seed, 1 if ask.quick else 4), config)
    if ask.lists is None:
        return rows
    lists = read_lists(ask.lists)
    last = lists[-1][0] // 24 + 1
    weeks = [(first, min(WEEK, last - first)) for first in range(0, last, WEEK - 1) if last - first > 1]
    judges: dict[str, list[Judge]] = {}
    for first, days in weeks[: 1 if ask.quick else None]:
        ask.say(f"lists, {days} days from day {first + 1} of {last}")
        for name, judge in judged(from_lists(lists, first * 24, days, first), config).items():
            judges.setdefault(name, []).append(judge)
    return rows + list_rows(judges)


def simulation_rows(stream: Stream, config: KeywordsConfig) -> list[Row]:
    """Precision@10 at onset + 3 minutes, delay, recall and false trends an hour, of each way."""
    hours = (len(stream.counts) - stream.measured) / 60
    rows = []
    for name, (judge,) in compared({name: [judge] for name, judge in judged(stream, config).items()}).items():
        delays = np.array(judge.delays())
        made = _maker(f"simulated, {name}", name == OURS)
        rows += [
            made(f"precision@10 {WITHIN} min after onset", float(np.mean(judge.at_three)), "", 0.9, True),
            made("detection delay p50", _minutes(delays, 0.5), "min"),
            made("detection delay p90", _minutes(delays, 0.9), "min"),
            made("recall", float((delays < DAY).mean()), ""),
            made("false trends", judge.false_trends / hours, "1/h", 1.0),
        ]
    return rows


def list_rows(judges: dict[str, list[Judge]]) -> list[Row]:
    """Flagged before the list that first names it, delay, precision and false trends an hour, of each way."""
    figures: dict[str, tuple[float, float | None, float, float]] = {}
    for name, parts in compared(judges).items():
        delays = np.concatenate([judge.delays() for judge in parts])
        lead = np.concatenate([[e - 60 - s for _, s, e in judge.stream.trends] for judge in parts])
        hours = sum((len(judge.stream.counts) - judge.stream.measured) / 60 for judge in parts)
        precision = sum(judge.right for judge in parts) / max(1, sum(judge.shown for judge in parts))
        wrong = sum(judge.false_trends for judge in parts) / hours
        figures[name] = (float((delays < lead).mean()), _minutes(delays, 0.5), precision, wrong)
    simple = [figures[name] for name in (RAW, GROWTH)]
    rows = []
    for name, (early, delay, precision, wrong) in figures.items():
        made = _maker(f"lists, {name}", name == OURS)
        rows += [
            made("entries flagged before they are listed", early, "", max(s[0] for s in simple), True),
            made("delay after the list before p50", delay, "min", figures[QUIET][1]),
            made("precision of what is shown", precision, "", max(s[2] for s in simple), True),
            made("false trends", wrong, "1/h", min(s[3] for s in simple)),
        ]
    return rows


def _minutes(delays: npt.NDArray[np.int64], quantile: float) -> float | None:
    """Minutes until shown, the first minute being 1; None where that many were never shown."""
    at = float(np.quantile(delays, quantile, method="higher"))
    return at + 1 if at < DAY else None


def _maker(prefix: str, ours: bool) -> Callable[..., Row]:
    """Rows named `prefix: …`; only our own have targets."""

    def made(name: str, value: float | None, unit: str, target: float | None = None, least: bool = False) -> Row:
        return row("keywords", f"{prefix}: {name}", value, unit, target if ours else None, least)

    return made
