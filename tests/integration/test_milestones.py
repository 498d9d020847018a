"""The demo tells once when a model is live and when facts are merged, and asks Redis no more than it must."""

import dataclasses

import pytest
import redis

from common.config import Config
from common.keys import Keys
from local import milestones
from local.milestones import EVERY_SECONDS, Milestones
from local.process import any_port


def test_each_is_told_once_when_it_is_there(
    config: Config, redis_conn: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = [0.0], []

    def counted(given: Config) -> object:
        asked.append(now[0])
        return original(given)

    original = milestones.redis_target
    monkeypatch.setattr(milestones, "redis_target", counted)
    keys, demo = Keys(config.redis.prefix), Milestones(config, lambda: now[0])
    assert demo.news() == []
    redis_conn.set(keys.live_model, "20260301T000000")
    assert demo.news() == []  # too soon to ask again
    now[0] = EVERY_SECONDS
    assert demo.news() == ["model 20260301T000000 is live: For You is personal now"]
    redis_conn.set(keys.live_model, "20260302T000000")
    redis_conn.set(keys.horizon, 29_539_450)
    now[0] = 2 * EVERY_SECONDS
    assert demo.news() == ["facts are merged: the batch layer vouches for all up to 2026-03-01T12:10Z"]
    for tick in range(5, 15):
        now[0] = float(tick)
        assert demo.news() == []
    assert asked == [0.0, EVERY_SECONDS, 2 * EVERY_SECONDS]


def test_without_redis_there_is_no_news(config: Config) -> None:
    gone = dataclasses.replace(config.redis, url=f"redis://127.0.0.1:{any_port()}/0")
    assert Milestones(dataclasses.replace(config, redis=gone)).news() == []
