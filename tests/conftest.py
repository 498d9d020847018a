"""Real Spark, Kafka and Redis for the tests: started once a run, a fresh prefix and folder for each test.

With several workers (pytest-xdist) each has a Spark session of its own; Kafka and Redis are the same for all.
"""

import dataclasses
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import Phase, settings
from pyspark.sql import SparkSession

from common.config import Config
from common.config_load import load_config
from common.duration import MOST_DAYS
from common.redis_client import redis_target

# Dates and hours are those of UTC or of the shop, never of a machine: the tests, and what they start, run where the day
# begins nine hours sooner, and their Spark's JVM where it begins three and a half later. `TEST_TZ` names another zone.
os.environ["TZ"] = os.environ.get("TEST_TZ", "Asia/Seoul")
time.tzset()
JVM_ZONE = "-Duser.timezone=America/St_Johns"

# Fast tests first, then the files that take longest. At the end the demo, which yields to whatever else runs
# (`local.process.NICENESS`), beside files that ask little, which also leave no worker alone for long.
TESTS = Path(__file__).parent
FOLDERS = ("unit", "spark", "integration")  # and last of all LAST
LONGEST = ("parity", "publish", "cluster", "stream", "rebuild", "ctr_job", "ranking_promises")
LAST = ("demo", "inputs", "serving_outages", "surfaces_bad_input", "surfaces", "subtrees", "api", "collector")
LAST += ("past_rankings", "past_input", "keyword_api", "item_sink")
SERVERS = "TEST_SERVERS_OF"  # variable: folder of servers that run already and stay, for one run after another
settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate])  # to know only whether a test fails


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files in the order in which they are to begin."""

    def place(item: pytest.Item) -> tuple[int, int]:
        folder, subject = item.path.relative_to(TESTS).parts[0], item.path.stem.removeprefix("test_")
        if folder in ("unit", "spark"):
            return FOLDERS.index(folder), 0
        if subject in LAST:
            return len(FOLDERS), LAST.index(subject)
        return FOLDERS.index("integration"), LONGEST.index(subject) if subject in LONGEST else len(LONGEST)

    items.sort(key=place)


def shared_folder(config: pytest.Config) -> Path:
    """The folder of the servers that all workers share: that of the whole run, which is above a worker's own."""
    if SERVERS in os.environ:
        return Path(os.environ[SERVERS])
    base = Path(config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
    return (base.parent if hasattr(config, "workerinput") else base) / "platform"


@pytest.hookimpl(trylast=True)  # after the workers have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stops the servers that were started for this run; with several workers this is not theirs to do."""
    folder = shared_folder(session.config)
    if not hasattr(session.config, "workerinput") and SERVERS not in os.environ and folder.exists():
        from local.embedded import down

        down(for_tests(folder), lambda line: None)


def for_tests(folder: Path, **sections: object) -> Config:
    """The reference configuration with every path in `folder`; `sections` replace whole sections. The API takes events
    of any age: those of fixed dates become older."""
    paths = {name: str(folder / name) for name in ("state_dir", "lake_path", "checkpoint_path")}
    reference = load_config(env={"STYLESTREAM_SERVING__MAX_EVENT_AGE_DAYS": str(MOST_DAYS)})
    return dataclasses.replace(reference, **paths, **sections)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One small local session with Delta and Kafka, as the jobs build it."""
    from common.session import UNOPTIMISED, build_session

    folder = tmp_path_factory.mktemp("spark")
    config = for_tests(folder)
    small = dataclasses.replace(config.spark, master="local[2]", driver_memory="2g", shuffle_partitions=2)
    places = {
        # Hundreds of plans, each run once or twice: as in a job on little data.
        **{name: f"{options} {JVM_ZONE}" for name, options in UNOPTIMISED.items()},
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    session = build_session(dataclasses.replace(config, spark=small), "tests", places)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def platform(pytestconfig: pytest.Config) -> Config:
    """An embedded Kafka and Redis of this run's own, started by whoever needs them first; the configuration that leads
    to them. `pytest_sessionfinish` stops them."""
    from local.embedded import up

    config = for_tests(shared_folder(pytestconfig))
    up(config, print)
    return config


def fresh(platform: Config, folder: Path) -> Config:
    """The platform seen through prefixes of its own and paths in `folder`; its topics exist."""
    from local.topics import create_topics

    own = uuid.uuid4().hex[:12]
    mine = dataclasses.replace(
        platform,
        lake_path=str(folder / "lake"),
        checkpoint_path=str(folder / "checkpoints"),
        kafka=dataclasses.replace(platform.kafka, topic_prefix=f"t{own}.", partitions=2),
        redis=dataclasses.replace(platform.redis, prefix=f"t{own}"),
    )
    create_topics(mine)
    return mine


@pytest.fixture
def config(platform: Config, tmp_path: Path) -> Config:
    """A platform of this test's own."""
    return fresh(platform, tmp_path)


@pytest.fixture
def redis_conn(config: Config) -> Iterator[redis.Redis]:
    """A connection to this test's Redis, answering bytes."""
    connection = redis_target(config).connect()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real data sets; tests that use it skip where STYLESTREAM_DATA does not name one."""
    folder = os.environ.get("STYLESTREAM_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("STYLESTREAM_DATA does not name the folder with the real data sets")
    return Path(folder)
