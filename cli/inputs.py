"""`stylestream simulate` and `stylestream replay`: put events into Kafka."""

import secrets
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli.options import with_config
from common.config import Config
from common.errors import ConfigError, UnavailableError
from common.validate import epoch_ms
from local import datasets
from local.datasets.replay import messages as replayed
from local.datasets.replay import parse_speed
from local.produce import Sent, send, stopped_by_signal
from local.simulator import run
from local.simulator.catalog import CATEGORIES
from local.simulator.scenario import (
    Experiment,
    FraudAttack,
    Incident,
    Promotion,
    Scenario,
    Span,
    Trend,
    parse_number,
    parse_span,
)
from local.simulator.truth import write_truth

AT = "[@START[+SECONDS]]"


@click.command()
@click.option("--rate", type=click.IntRange(1), help="Live events a second (default: configuration).")
@click.option("--seed", type=click.IntRange(0), help="Same seed, start and run id: the same bytes.")
@click.option("--seconds", type=click.FloatRange(0), help="Live seconds to send (default: until stopped).")
@click.option("--events", type=click.IntRange(0), help="Live messages to send (default: until stopped).")
@click.option("--history-minutes", type=click.IntRange(0), help="Minutes of past to send first.")
@click.option("--run-id", help="First part of every id (default: new each run).")
@click.option("--start", metavar="TIME", help="Event time at which live begins (RFC 3339; default: now).")
@click.option("--truth", type=click.Path(dir_okay=False, path_type=Path), help="Write the truth here at the end.")
@click.option("--trend", multiple=True, metavar=f"KEYWORD{AT}", help="Searches for the keyword rise.")
@click.option("--fraud", multiple=True, metavar=f"PAYMENTS{AT}", help="Payments with one card as many users.")
@click.option("--experiment", multiple=True, metavar=f"NAME[:LIFT]{AT}", help="Exposures carry a variant.")
@click.option("--promotion", multiple=True, metavar=f"CATEGORY[:CUT]{AT}", help="Price cut on a category.")
@click.option("--incident", multiple=True, metavar=f"SERVICE[:ERRORS]{AT}", help="Errors a second in the logs.")
@with_config
def simulate(config: Config, /, start: str | None, truth: Path | None, run_id: str | None, **given: Any) -> None:
    """Send a simulated shop's events, open loop, with known truth."""
    names = ("rate", "seed", "history_minutes")
    chosen = {name: given[name] for name in names if given[name] is not None}
    config = replace(config, simulator=replace(config.simulator, **chosen))
    simulation = run.build(config, _scenario(given), run_id or f"r{secrets.token_hex(4)}")
    messages = run.messages(simulation, _start(start), run.Length(given["events"], given["seconds"]))
    try:
        with stopped_by_signal() as stop:
            _done(send(config, messages, run.TOPICS, stop, progress=_say))
    finally:
        if truth is not None:
            write_truth(simulation, truth)


@click.command()
@click.option("--dataset", required=True, metavar="NAME", help=f"One of {', '.join(datasets.DATASETS)}.")
@click.option("--speed", default="max", metavar="N|max", help="Seconds of the file that pass in one.")
@click.option("--shift-to-now", is_flag=True, help="Event times end (max) or begin (N) now.")
@click.option("--views", is_flag=True, help="online-retail: also a view before each purchase.")
@click.argument("path", type=click.Path(path_type=Path))
@with_config
def replay(config: Config, /, dataset: str, speed: str, shift_to_now: bool, views: bool, path: Path) -> None:
    """Send the events of a real data set's file (PATH: Parquet or CSV)."""
    pace = parse_speed(speed)
    click.echo(f"reading {path}", err=True)
    data = datasets.load(dataset, path, with_views=views)
    messages = replayed(data, pace, time.time_ns() // 1_000_000 if shift_to_now else None)
    topics = ("behavior", "orders", "catalog")
    with stopped_by_signal() as stop:
        if not sys.stderr.isatty():
            _done(send(config, messages, topics, stop, progress=_say))
            return
        with click.progressbar(length=data.count, label=f"replaying {dataset}", file=sys.stderr) as bar:
            report = send(config, messages, topics, stop, lambda sent: bar.update(sent.sent - bar.pos), 0.5)
            bar.update(report.sent - bar.pos)
    _done(report)


def _scenario(given: dict[str, Any]) -> Scenario:
    always, burst = Span(), Span(0.0, 30.0)
    spans = {
        name: [parse_span(text, burst if name in ("fraud", "incident") else always) for text in given[name]]
        for name in ("trend", "fraud", "experiment", "promotion", "incident")
    }
    tests = [(*parse_number(what, 0.0, -1, 10), span) for what, span in spans["experiment"]]
    cuts = [(*parse_number(_category(what), 0.2, 0, 0.95), span) for what, span in spans["promotion"]]
    errors = [(*parse_number(what, 50.0, 0, 100_000), span) for what, span in spans["incident"]]
    return Scenario(
        trends=tuple(Trend(keyword, span) for keyword, span in spans["trend"]),
        attacks=tuple(FraudAttack(_count(what), span) for what, span in spans["fraud"]),
        experiments=tuple(Experiment(name, lift, span) for name, lift, span in tests),
        promotions=tuple(Promotion(category, cut, span) for category, cut, span in cuts),
        incidents=tuple(Incident(service, span, rate) for service, rate, span in errors),
    )


def _category(text: str) -> str:
    known = [path for path, _, _ in CATEGORIES]
    if text.partition(":")[0] not in known:
        raise ConfigError(f"--promotion '{text}': unknown category; known: {', '.join(known)}")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise ConfigError(f"--fraud '{text}': must be a number of payments, e.g. 200@30+60")
    return int(text)


def _start(text: str | None) -> int | None:
    if text is None:
        return None
    millis = epoch_ms(text)
    if millis is None:
        raise ConfigError(f"--start '{text}': must be an RFC 3339 time with a zone, e.g. 2026-01-31T09:30:00.000Z")
    return millis


def _say(report: Sent) -> None:
    click.echo(report.line(), err=True)


def _done(report: Sent) -> None:
    _say(report)
    if report.failed:
        raise UnavailableError(f"Kafka did not take {report.failed:,} of {report.sent:,} messages: {report.error}")
