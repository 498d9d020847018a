"""`at=` and other input of rankings that does not fit, a lake that is not there or cannot be read: precise answers."""

import dataclasses
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from common.config import Config
from common.keys import Keys
from tests.integration.conftest import Serve
from tests.integration.item_rows import write
from tests.integration.test_past_rankings import START, ask, moment

PATH = "/v1/rankings/popular"


def refused(answer: httpx.Response, field: str) -> str:
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert [detail["field"] for detail in error["details"]] == [field]
    return str(error["message"])


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(hours=1), timedelta(days=4000)])
def test_at_in_the_future_is_refused_by_name(api: httpx.Client, ahead: timedelta) -> None:
    at = datetime.now(timezone.utc) + ahead
    assert refused(api.get(PATH, params={"at": at.isoformat()}), "at") == "at: is in the future"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-24", "2026-11-24T12:00:00", "2026-13-01T00:00:00Z", "29000000", "x" * 65, "\x00"]
)
def test_at_that_is_no_time_is_refused_by_name(api: httpx.Client, text: str) -> None:
    refused(api.get(PATH, params={"at": text}), "at")


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "1001", "ten", ""])
def test_a_limit_outside_its_bounds_is_refused_by_name_also_for_the_past(api: httpx.Client, limit: str) -> None:
    for more in ({}, {"at": moment(START)}):
        refused(api.get(PATH, params={"limit": limit, **more}), "limit")


def test_an_unknown_category_is_an_empty_list_and_an_unknown_ranking_404(api: httpx.Client, config: Config) -> None:
    write(config, [(START, "c", "i", 5), (START + 90, "c", "i", 5)])
    for more in ({}, {"at": moment(START + 5)}):
        assert ask(api, "popular", category="no such", **more)["items"] == []
        assert len(ask(api, "popular", category="c", **more)["items"]) == 1
        assert api.get("/v1/rankings/no-such", params=more).status_code == 404


@pytest.mark.parametrize("name", ["popular", "popular-fair"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:00Z", "2001-01-01T00:00:00+05:00"])
def test_before_any_data_and_without_a_lake_the_answer_is_empty_and_says_so(
    serve: Serve, config: Config, redis_conn: redis.Redis, name: str, at: str
) -> None:
    keys = Keys(config.redis.prefix)
    redis_conn.set(keys.live_corrections, "v")
    redis_conn.hset(keys.corrections("v", "popular-fair", 0), mapping={"*": 2.0})
    for _ in range(2):
        answer = ask(serve(config), name, at=at)
        assert (answer["items"], answer["as_of"], answer["horizon"]) == ([], None, None)
        write(config, [(START, "c", "i", 5)])


def broken(path: Path) -> str:
    log = path / "item_facts" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{broken")
    return str(path)


@pytest.mark.parametrize("place", ["broken", "hdfs://name-node/lake"])
def test_a_lake_that_cannot_be_read_is_503_with_its_reason(
    serve: Serve, config: Config, tmp_path: Path, place: str
) -> None:
    path = broken(tmp_path / "other") if place == "broken" else place
    write(config, [(START, "c", "i", 5)])
    api = serve(dataclasses.replace(config, lake_path=path))
    answer: Any = api.get(PATH, params={"at": moment(START - 3000)})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    message = answer.json()["error"]["message"]
    assert ("hdfs://" if "hdfs" in place else "the lake cannot be read") in message
    assert str(tmp_path) not in message
    assert ask(api, "popular")["items"]  # what needs no lake is answered


@pytest.mark.parametrize("place", ["broken", "hdfs://name-node/lake"])
def test_a_quiet_minute_of_the_last_day_needs_no_lake(serve: Serve, config: Config, tmp_path: Path, place: str) -> None:
    path = broken(tmp_path / "other") if place == "broken" else place
    write(config, [(START, "c", "i", 5), (START + 600, "c", "i", 5)])
    api = serve(dataclasses.replace(config, lake_path=path))
    for name in ("views-10m", "views-1h"):
        answer = ask(api, name, at=moment(START + 300))
        assert (answer["items"], answer["as_of"]) == ([], moment(START + 300).replace("Z", ".000Z"))
    assert api.get(PATH, params={"at": moment(START - 1)}).status_code == 503  # what was before only the lake knows
