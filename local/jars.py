"""Fetches the jars that pip does not bring: Spark's connectors and the Kafka broker, once, into the cache.

Each set appears whole or not at all (a folder beside it, then renames), and a lock keeps two processes from
fetching at the same time.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from common.errors import MissingRequirementError, UnavailableError
from common.jars import CLASS_PATH, SPARK_PACKAGES, cache_dir
from local.ivy import Coordinate, Say, break_off, retrieve

KAFKA_VERSION = "4.1.0"
# The second is what lets the broker's log4j speak: without it a failing broker says nothing.
BROKER: tuple[Coordinate, ...] = (
    ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
)
# pyspark has these already, and newer.
SPARK_HAS = ("org.apache.hadoop", "org.apache.parquet", "org.scala-lang", "com.fasterxml.jackson.core")
COMPLETE = "complete.txt"


def broker_folder() -> Path:
    """Where the broker's jars are."""
    return cache_dir() / f"kafka-{KAFKA_VERSION}"


def connectors_present() -> bool:
    """Whether every jar that Spark lacks is in the cache."""
    return all((cache_dir() / "spark-jars" / name).is_file() for name in CLASS_PATH)


def broker_present() -> bool:
    """Whether every jar of the broker is in the cache."""
    note = broker_folder() / COMPLETE
    return note.is_file() and all((broker_folder() / n).is_file() for n in note.read_text().split())


def fetch(say: Say) -> None:
    """Brings what is missing, both sets at once. `UnavailableError` in one line when that fails."""
    with ThreadPoolExecutor(2) as pool:
        try:
            for future in [pool.submit(fetch_connectors, say), pool.submit(fetch_broker, say)]:
                future.result()
        except BaseException:
            break_off()
            raise


def fetch_connectors(say: Say) -> None:
    """Spark's Kafka and Delta connectors into `spark-jars`; only those that pyspark lacks are kept."""
    if connectors_present():  # also in a cache that cannot be written, e.g. of an image
        return
    with _lock("spark-jars"):
        if connectors_present():
            return
        say("downloading Spark's Kafka and Delta connectors")
        with _folder("spark-jars") as fetched:
            retrieve(SPARK_PACKAGES, SPARK_HAS, fetched, cache_dir() / "ivy-spark", say)
            _check(fetched, CLASS_PATH)
            kept = cache_dir() / "spark-jars"
            kept.mkdir(exist_ok=True)
            for name in CLASS_PATH:
                (fetched / name).replace(kept / name)


def fetch_broker(say: Say) -> None:
    """The Kafka broker with all it needs."""
    if broker_present():
        return
    with _lock("broker"):
        if broker_present():
            return
        say(f"downloading the Kafka {KAFKA_VERSION} broker")
        with _folder("broker") as fetched:
            retrieve(BROKER, (), fetched, cache_dir() / "ivy-broker", say)
            names = sorted(jar.name for jar in fetched.glob("*.jar"))
            _check(fetched, (f"kafka_2.13-{KAFKA_VERSION}.jar", *names))
            (fetched / COMPLETE).write_text("\n".join(names))
            shutil.rmtree(broker_folder(), ignore_errors=True)
            fetched.chmod(0o755)  # the cache may be somebody else's
            fetched.replace(broker_folder())


def _check(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        jar = folder / name
        if not jar.is_file() or jar.stat().st_size == 0:
            raise UnavailableError(f"the download did not bring {name}: run 'make setup' again")


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    with _writing():
        fetched = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache_dir()))
    try:
        yield fetched
    finally:
        shutil.rmtree(fetched, ignore_errors=True)


@contextmanager
def _lock(name: str) -> Iterator[None]:
    with _writing():
        cache_dir().mkdir(parents=True, exist_ok=True)
        file = (cache_dir() / f".{name}.lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MissingRequirementError(
            f"the cache {cache_dir()} cannot be written ({error.strerror}): set STYLESTREAM_CACHE to"
            " a folder that can be"
        ) from None
