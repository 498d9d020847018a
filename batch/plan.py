"""Which batch job runs when: `conf/schedule.yaml`, read and validated."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from apscheduler.triggers.cron import CronTrigger
from pydantic import ConfigDict, TypeAdapter, ValidationError

from batch.jobs import JOBS
from common.config import Duration
from common.config_load import CONF_DIR
from common.duration import duration_ms
from common.errors import ConfigError
from common.plain_yaml import read_yaml, what_is_wrong

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class PlannedJob:
    """Runs `every` so often, or at the times of `cron` (five fields, UTC); see `conf/schedule.yaml`."""

    name: str
    every: Duration | None = None
    cron: str | None = None
    first_after: Duration = "0 seconds"
    retry: Duration = "20 seconds"
    limit: Duration = "6 hours"
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Plan:
    """The file as a whole."""

    jobs: list[PlannedJob]
    __pydantic_config__ = ConfigDict(extra="forbid")


def load_plan(file: str | Path | None = None) -> list[PlannedJob]:
    """The plan of `file`, by default `conf/schedule.yaml`.

    Raises `ConfigError` with one line that names the file, the key and what is allowed there.
    """
    path = Path(file) if file is not None else CONF_DIR / "schedule.yaml"
    try:
        tree: Any = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {what_is_wrong(error)}") from None
    try:
        plan = TypeAdapter(Plan).validate_python(tree)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first(error)}") from None
    for number, job in enumerate(plan.jobs):
        _check(job, f"{path}: 'jobs.{number}")
    _no_twins(plan.jobs, path)
    return plan.jobs


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"key '{key}' is missing"
    if first["type"] == "unexpected_keyword_argument":
        known = "jobs" if "." not in key else ", ".join(PlannedJob.__dataclass_fields__)
        return f"unknown key '{key}'; allowed here: {known}"
    return f"'{key or 'the file'}' is {str(first['input'])[:80]!r}: {first['msg'].removeprefix('Value error, ')}"


def _check(job: PlannedJob, where: str) -> None:
    if job.name not in JOBS:
        raise ConfigError(f"{where}.name' is '{job.name}': must be one of {', '.join(JOBS)}")
    if (job.every is None) == (job.cron is None):
        raise ConfigError(f"{where}' ({job.name}) must have either 'every' or 'cron'")
    for key in ("every", "retry", "limit"):
        length = getattr(job, key)
        if length is not None and duration_ms(length) < 1000:
            raise ConfigError(f"{where}.{key}' is '{length}': must be at least 1 seconds")
    if job.cron is not None:
        if not job.cron.isascii():
            raise ConfigError(f"{where}.cron' is '{job.cron}': its digits and names must be ASCII")
        try:
            CronTrigger.from_crontab(cron_days(job.cron))
        except ValueError as error:
            raise ConfigError(f"{where}.cron' is '{job.cron}': {error}") from None


def cron_days(cron: str) -> str:
    """The cron text with weekday names for numbers: crontab counts from Sunday, APScheduler from Monday."""
    fields = cron.split()
    if len(fields) == 5:
        fields[4] = re.sub(r"(?<!/)\b[0-7]\b", lambda day: WEEKDAYS[int(day[0])], fields[4])
    return " ".join(fields)


def _no_twins(jobs: list[PlannedJob], path: Path) -> None:
    names = [job.name for job in jobs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: job '{name}' is there {names.count(name)} times; once is enough")
