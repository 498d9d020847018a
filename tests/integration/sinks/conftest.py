"""Redis under a prefix of each test's own, without Kafka's topics: nothing here produces."""

import dataclasses
import uuid

import pytest

from common.config import Config


@pytest.fixture
def config(platform: Config) -> Config:
    return dataclasses.replace(platform, redis=dataclasses.replace(platform.redis, prefix=f"t{uuid.uuid4().hex[:12]}"))
