"""Redis under a prefix of each test's own, without Kafka's topics: nothing here produces."""

import dataclasses
import uuid
from collections.abc import Iterator

import pytest

from common.config import Config
from tests.integration.redis_clock import with_a_clock


@pytest.fixture
def config(platform: Config) -> Config:
    return dataclasses.replace(platform, redis=dataclasses.replace(platform.redis, prefix=f"t{uuid.uuid4().hex[:12]}"))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """A Redis of this file's own, whose clock can be moved."""
    with with_a_clock(tmp_path_factory.mktemp("apart")) as config:
        yield config
