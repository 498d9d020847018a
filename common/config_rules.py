"""What no single key of the configuration shows: keys that contradict each other, or what the platform needs.

Each rule yields the keys it is about, whose source is named, and what is wrong, in one line.
"""

from collections.abc import Callable, Iterator
from zoneinfo import available_timezones

from common.config import Config
from common.models.keyword_text import blocking

Wrong = tuple[tuple[str, ...], str]
Rule = Callable[[Config], Iterator[Wrong]]
SESSION_ZONE = "spark.sql.session.timeZone"
NOT_OF_JAVA = ("Factory", "ROC", "localtime")  # zones that Python knows and Spark does not


def contradictions(config: Config) -> Iterator[Wrong]:
    """All that is wrong, in the order of the rules."""
    for rule in RULES:
        yield from rule(config)


def _names(config: Config) -> Iterator[Wrong]:
    rankings = config.rankings
    names = [r.name for part in (rankings.definitions, rankings.corrected, rankings.rates) for r in part]
    for name in names:
        if names.count(name) > 1:
            said = f"'rankings.definitions' has '{name}' {names.count(name)} times; once is enough"
            yield ("rankings.definitions",), said


def _needed(config: Config) -> Iterator[Wrong]:
    rankings = config.rankings
    for name, kind in (("views-1h", "window"), ("popular", "decay")):
        if not any((r.name, r.kind) == (name, kind) for r in rankings.definitions):
            yield (
                ("rankings.definitions",),
                f"'rankings.definitions' needs '{name}' of kind {kind}: the API serves it",
            )
    known = {ranking.name for ranking in rankings.definitions}
    for corrected in rankings.corrected:
        if corrected.of not in known:
            said = f"'rankings.corrected' {corrected.name} is of '{corrected.of}'; there is no such"
            yield ("rankings.corrected", "rankings.definitions"), said


def _zones(config: Config) -> Iterator[Wrong]:
    zone = config.rankings.corrections.time_zone
    if zone not in available_timezones() or zone in NOT_OF_JAVA:
        yield ("rankings.corrections.time_zone",), f"'rankings.corrections.time_zone' is '{zone}': unknown"
    session = config.spark.conf.get(SESSION_ZONE, "UTC")
    if session != "UTC":
        said = f"'spark.conf' sets {SESSION_ZONE} to '{session}': dates of the lake are UTC, leave it out"
        yield (f"spark.conf.{SESSION_ZONE}",), said


def _ranges(config: Config) -> Iterator[Wrong]:
    search = config.als.search
    for name, (least, most) in (("alpha", search.alpha), ("regularization", search.regularization)):
        if least > most:
            key = f"als.search.{name}"
            yield (key,), f"'{key}' is [{least:g}, {most:g}]: the smaller end comes first"


def _signals(config: Config) -> Iterator[Wrong]:
    if wrong := config.recommend.surfaces.wrong_signals():
        yield ("recommend.surfaces",), wrong


def _windows(config: Config) -> Iterator[Wrong]:
    """Minutes that leave a window are subtracted, after an outage too, as long as their facts are kept. (How late an
    event may be has no such limit: a replay of a year has a watermark of months.)"""
    rankings, keywords = config.rankings, config.keywords
    longest = rankings.retention_hours * 30
    for ranking in rankings.definitions:
        if ranking.kind == "window" and ranking.minutes > longest:
            yield (
                ("rankings.definitions", "rankings.retention_hours"),
                f"ranking '{ranking.name}' has a window of {ranking.minutes} minutes; with 'rankings.retention_hours'"
                f" {rankings.retention_hours} at most {longest} (half of it)",
            )
    if keywords.window_minutes > keywords.retention_minutes // 2:
        yield (
            ("keywords.window_minutes", "keywords.retention_minutes"),
            f"'keywords.window_minutes' is {keywords.window_minutes}; with 'keywords.retention_minutes'"
            f" {keywords.retention_minutes} at most {keywords.retention_minutes // 2} (half of it)",
        )


def _blocklist(config: Config) -> Iterator[Wrong]:
    for number, text in enumerate(config.keywords.blocklist):
        if not blocking([text]):
            yield ("keywords.blocklist",), f"'keywords.blocklist.{number}' is {text!r}: nothing of it is a keyword"


def _outcomes(config: Config) -> Iterator[Wrong]:
    if config.ctr.window_minutes >= config.ctr.days * 1440:
        said = f"'ctr.window_minutes' is {config.ctr.window_minutes}: not shorter than 'ctr.days' ({config.ctr.days})"
        yield ("ctr.window_minutes", "ctr.days"), said


def _api_keys(config: Config) -> Iterator[Wrong]:
    keys = [key.key_sha256 for key in config.serving.api_keys]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            yield ("serving.api_keys",), f"'serving.api_keys.{number}' is a key that is there already: give it once"


RULES: tuple[Rule, ...] = (
    _names,
    _needed,
    _zones,
    _ranges,
    _signals,
    _windows,
    _blocklist,
    _outcomes,
    _api_keys,
)
