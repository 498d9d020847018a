"""What the platform needs on this machine, one small check each: what was found and how to mend it."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from common.config import Config
from common.config_load import load_config
from common.endpoints import EMBEDDED, api_address
from common.errors import ConfigError, MissingRequirementError, UnavailableError
from common.jars import cache_dir
from local.alone import demo_address
from local.embedded import states
from local.jars import broker_present, connectors_present
from local.java import MEND, OLDEST, describe_java
from local.process import port_free
from local.reach import check_redis, redis_warning
from local.ready import ours
from local.topics import MEND as TO_MEND
from local.topics import PRODUCERS_TIME, check_topics

OLDEST_PYTHON = (3, 10)
DISK_BYTES = 2 * 1024**3
MEMORY_BYTES = 3 * 1024**3
USUAL_PORTS = {"Kafka": 9092, "Redis": 6379}


@dataclass(frozen=True)
class Finding:
    """One check: `what` was found, and how to `mend` it where it is not `ok`."""

    name: str
    ok: bool
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}; to mend: {self.mend}"


def examine(conf: str | None) -> list[Finding]:
    """Every check, in the order in which a person would mend things."""
    try:
        config = load_config(conf)
    except ConfigError as error:
        fit = Finding("configuration", False, str(error), "correct it there")
        return [python(), java(), packages(), fit, jars(), disk(Path()), memory()]
    fit = Finding("configuration", True, conf or "conf/local.yaml", "")
    state = Path(config.state_dir)
    return [
        python(),
        java(),
        packages(),
        fit,
        jars(),
        disk(state),
        memory(),
        *ports(config),
        *topics(config),
        *stored(config),
    ]


def python(found: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python is new enough."""
    what = "Python " + ".".join(map(str, found))
    needed = ".".join(map(str, OLDEST_PYTHON))
    return Finding("python", found >= OLDEST_PYTHON, what, f"make the environment with Python >= {needed}")


def java() -> Finding:
    """Java is there and new enough, found the way Spark finds it."""
    ok, what = describe_java()
    return Finding("java", ok, what if ok else f"{what}; Java >= {OLDEST} is needed", MEND)


def packages(needs: list[str] | None = None, installed: Callable[[str], str] = version) -> Finding:
    """Packages that setup.py pins exactly are installed in that version, the others at all."""
    wrong = []
    needs = [n for n in requires("stylestream") or [] if "extra ==" not in n] if needs is None else needs
    for need in needs:
        name, pin = re.match(r"([A-Za-z0-9._-]+)(?:==([^;,\s]+))?", need).groups()  # type: ignore[union-attr]
        try:
            found = installed(name)
        except PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if pin and found != pin:
            wrong.append(f"{name} is {found}, not {pin}")
    return Finding("packages", not wrong, "; ".join(wrong) or f"{len(needs)} as pinned", "run 'make setup'")


def jars() -> Finding:
    """What pip does not bring is in the cache."""
    try:
        folder = cache_dir()
    except MissingRequirementError as error:
        return Finding("jars", False, str(error), "set STYLESTREAM_CACHE, then run 'stylestream setup'")
    absent = [n for n, ok in (("Spark's connectors", connectors_present()), ("Kafka", broker_present())) if not ok]
    what = f"not in {folder}: {', '.join(absent)}" if absent else f"in {folder}"
    return Finding("jars", not absent, what, "run 'stylestream setup'")


def disk(folder: Path, least: int = DISK_BYTES) -> Finding:
    """Enough room where data, logs and checkpoints go."""
    there = next(p for p in (folder.resolve(), *folder.resolve().parents) if p.exists())
    free = shutil.disk_usage(there).free
    mend = f"free {least / 1024**3:.0f} GB, or name another folder by state_dir (make demo STATE=…)"
    if not os.access(there, os.W_OK):
        return Finding("disk", False, f"{there} cannot be written", mend)
    return Finding("disk", free >= least, f"{free / 1024**3:.1f} GB free at {there}", mend)


def memory(least: int = MEMORY_BYTES) -> Finding:
    """Enough memory for a broker, Spark's drivers and the API."""
    free = psutil.virtual_memory().available
    mend = "close other programs, or lower spark.driver_memory"
    return Finding("memory", free >= least, f"{free / 1024**3:.1f} GB available", mend)


def api_port(config: Config) -> Finding:
    """The API's port is free, as it must be before the demo; 0 asks the system for one."""
    host, number = config.serving.host, config.serving.port
    mend = "stop what listens there, or choose another: PORT=8055, or serving.port"
    free = number == 0 or port_free(number, host)
    return Finding(
        f"port {number}", free, "free, for the API" if free else "busy, but the API is to listen there", mend
    )


def api(config: Config) -> Finding:
    """Where the API of the running demo is, or `api_port`; a port that an API of ours holds is as it should be."""
    address = demo_address(config) or api_address(config.serving)
    if ours(address):
        return Finding(f"port {urlsplit(address).port}", True, f"our API answers at {address}", "")
    return api_port(config)


def ports(config: Config) -> list[Finding]:
    """The API's port, and the usual ones of the servers, for which any other does as well."""
    ours = {state.name: state.address.rpartition("//")[2].partition("/")[0] for state in states(config) if state.alive}
    given = {"kafka": config.kafka.bootstrap_servers, "redis": config.redis.url}
    found = [api(config)]
    for name, number in USUAL_PORTS.items():
        if given[name.lower()] != EMBEDDED:
            continue
        if at := ours.get(name.lower()):
            found.append(Finding(f"port {at.rpartition(':')[2]}", True, f"{name}, ours is up", ""))
            continue
        said = "free" if port_free(number) else "busy: another will be chosen"
        found.append(Finding(f"port {number}", True, f"{name}, {said}", ""))
    return found


def topics(config: Config) -> list[Finding]:
    """Our topics carry the broker's time. Nothing where no Kafka is up to be asked."""
    ours_is_up = any(state.name == "kafka" and state.alive for state in states(config))
    if config.kafka.bootstrap_servers == EMBEDDED and not ours_is_up:
        return []
    try:
        wrong = [topic for topic in check_topics(config) if not topic.timed_by_broker]
    except UnavailableError as error:
        return [Finding("topics", False, str(error), "start it, or correct the configuration")]
    said = "; ".join(PRODUCERS_TIME.format(topic.name) for topic in wrong)
    mend = "; ".join(TO_MEND.format(topic.name) for topic in wrong)
    return [Finding("topics", not wrong, said or "carry the broker's time", mend)]


def stored(config: Config) -> list[Finding]:
    """Redis takes writes and throws nothing away. Nothing where no Redis is up to be asked."""
    ours_is_up = any(state.name == "redis" and state.alive for state in states(config))
    if config.redis.url == EMBEDDED and not ours_is_up:
        return []
    try:
        check_redis(config)
    except UnavailableError as error:
        return [Finding("redis", False, str(error), "start it, or correct the configuration")]
    what, mend = redis_warning(config)
    return [Finding("redis", not mend, what or "takes writes and keeps them", mend)]
