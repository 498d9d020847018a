"""Clients may write any category and any date: how many of them reach Kafka, and all that counts, is bounded."""

import dataclasses
import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import orjson
import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.validate import rfc3339
from serving.categories import OTHER, UNSEEN_SECONDS
from serving.collector import TOO_OLD
from tests.event_factory import event
from tests.integration.conftest import Serve
from tests.integration.topic_reader import records

MOST, AGE_DAYS = 10, 400
DAY_MS = 86_400_000


@pytest.fixture
def config(config: Config) -> Config:
    few = dataclasses.replace(config.serving, max_categories=MOST, max_event_age_days=AGE_DAYS)
    return dataclasses.replace(config, serving=few)


@pytest.fixture
def keys(config: Config) -> Keys:
    return Keys(config.redis.prefix)


def post(api: httpx.Client, *categories: str, item: str = "i-1", price: float | None = 3.0) -> None:
    """An event of each category, in one request."""
    sent = [event(category=name or None, item_id=item, price=price) for name in categories]
    answer = api.post("/v1/events", json={"events": sent})
    assert (answer.status_code, answer.json()) == (202, {"accepted": len(sent), "rejected": []})


def produced(config: Config, topic: str = "behavior") -> list[str | None]:
    """The categories of what Kafka has, in no order."""
    return sorted((value.get("category") for _, value in records(config, topic)), key=str)


def known(client: redis.Redis, keys: Keys) -> dict[str, float]:
    """Category → when it was last seen."""
    return {name.decode(): seen for name, seen in client.zrange(keys.categories, 0, -1, withscores=True)}


def over(api: httpx.Client) -> float:
    (counted,) = re.findall(r"^stylestream_categories_over_total (\S+)$", api.get("/metrics").text, re.MULTILINE)
    return float(counted)


def test_of_many_categories_sent_to_two_processes_at_once_as_many_as_allowed_stand(
    config: Config, serve: Serve, redis_conn: redis.Redis, keys: Keys
) -> None:
    apis = [serve(config), serve(config)]
    requests = [[event(category=f"c{n * 4 + m}", quantity=2) for m in range(6)] for n in range(20)]

    def send(number: int) -> dict[str, object]:
        answer = apis[number % 2].post("/v1/events", json={"events": requests[number]})
        assert answer.status_code == 202
        return dict(answer.json())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(len(requests))))
    assert answers == [{"accepted": 6, "rejected": []}] * 20
    sent = {one["event_id"]: one for part in requests for one in part}
    found = {value["event_id"]: value for _, value in records(config, "behavior")}
    assert len(records(config, "behavior")) == len(sent) == 120
    stand = known(redis_conn, keys).keys()
    assert len(stand) == MOST
    assert {value["category"] for value in found.values()} == {*stand, OTHER}
    for event_id, one in sent.items():
        expected = one["category"] if one["category"] in stand else OTHER
        assert found[event_id] == one | {"category": expected}
    others = sum(value["category"] == OTHER for value in found.values())
    assert sum(map(over, apis)) == others > 0
    recent = [orjson.loads(member) for member in redis_conn.zrange(keys.recent("u-1"), 0, -1)]
    assert recent and all(member[4] == found[member[1]]["category"] for member in recent)


def test_there_is_room_for_just_as_many_as_the_bound_says(
    api: httpx.Client, config: Config, redis_conn: redis.Redis, keys: Keys
) -> None:
    names = [f"c{n}" for n in range(MOST)]
    post(api, *names, OTHER)
    assert (produced(config), over(api)) == ([*names, OTHER], 0)
    assert known(redis_conn, keys).keys() == set(names)  # what stands for the others takes no room
    post(api, "one-more", "c0", "")
    assert produced(config) == [None, "c0", *names, OTHER, OTHER]
    assert over(api) == 1
    assert known(redis_conn, keys).keys() == set(names)
    assert 0 < redis_conn.ttl(keys.categories) <= UNSEEN_SECONDS


def test_after_an_upgrade_or_a_loss_those_of_the_rankings_have_their_places(
    api: httpx.Client, config: Config, redis_conn: redis.Redis, keys: Keys
) -> None:
    ranked = [f"shop{n}" for n in range(MOST)]
    redis_conn.zadd(keys.tree, dict.fromkeys(["", *ranked], 0))
    post(api, "junk", "shop0", "")
    assert produced(config) == [None, OTHER, "shop0"]
    seen = known(redis_conn, keys)
    assert seen.keys() == set(ranked) and min(seen.values()) >= redis_conn.time()[0] - 60


def test_all_that_has_a_category_is_bounded(api: httpx.Client, config: Config) -> None:
    post(api, *(f"c{n}" for n in range(MOST)))
    refund = event("refund", item_id=None, order_id="o-1", category="junk")
    search = event("search", item_id=None, query="coat", category="junk")
    assert api.post("/v1/events", json={"events": [refund, search]}).json()["accepted"] == 2
    assert produced(config, "orders") == [OTHER]
    assert "junk" not in produced(config)


def test_what_the_catalogue_says_of_the_item_stands_above_the_bound_and_is_known_then(
    api: httpx.Client, config: Config, redis_conn: redis.Redis, keys: Keys
) -> None:
    junk = [f"junk{n}" for n in range(MOST)]
    post(api, *junk)
    for item, name in (("i-coat", "women//coats/"), ("i-bag", "bags"), ("i-hat", "hats")):
        redis_conn.hset(keys.product(item), mapping={"category": name, "price": "5"})
    sent = [
        event(item_id="i-coat", category="women/coats", price=3),
        event(item_id="i-none", category="women/coats", price=3),  # of another item, which says nothing
        event(item_id="i-bag", category="women/coats", price=3),
        event(item_id="i-bag"),  # filled in
        event(item_id="i-bag", category="junk0"),
    ]
    assert api.post("/v1/events", json={"events": sent}).json()["accepted"] == 5
    found = {value["event_id"]: value["category"] for _, value in records(config, "behavior")}
    assert [found[one["event_id"]] for one in sent] == ["women/coats", OTHER, OTHER, "bags", "junk0"]
    assert known(redis_conn, keys).keys() == {*junk, "women/coats", "bags"}
    assert over(api) == 2
    redis_conn.delete(*(keys.product(item) for item in ("i-coat", "i-bag")))
    post(api, "women/coats", "bags", "hats")
    assert over(api) == 3
    assert produced(config).count("women/coats") == 2 and produced(config).count("hats") == 0
    post(api, "hats", item="i-hat")
    assert produced(config).count("hats") == 1


def test_categories_that_nobody_has_used_for_30_days_make_room(
    api: httpx.Client, config: Config, redis_conn: redis.Redis, keys: Keys
) -> None:
    now = redis_conn.time()[0]
    left, stays = now - UNSEEN_SECONDS - 60, now - UNSEEN_SECONDS + 60
    scores = {"left1": left, "left2": left, **{f"stays{n}": stays for n in range(MOST - 2)}}
    redis_conn.zadd(keys.categories, scores)
    post(api, "stays0", "new1", "new2", "new3")
    assert produced(config) == ["new1", "new2", OTHER, "stays0"]
    seen = known(redis_conn, keys)
    assert seen.keys() == {"new1", "new2", *(f"stays{n}" for n in range(MOST - 2))}
    assert {name for name, when in seen.items() if when >= now} == {"stays0", "new1", "new2"}
    assert UNSEEN_SECONDS == 30 * 24 * 3600


def test_an_event_that_is_older_than_allowed_is_refused_and_in_quarantine(api: httpx.Client, config: Config) -> None:
    oldest_ms = time.time_ns() // 1_000_000 - AGE_DAYS * DAY_MS
    old, young = (event(event_time=rfc3339(oldest_ms + after_ms)) for after_ms in (-1, 60_000))
    answer = api.post("/v1/events", json={"events": [old, young]})
    refused = {"index": 0, "field": "event_time", "reason": TOO_OLD.reason}
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": [refused]})
    assert [value["event_id"] for _, value in records(config, "behavior")] == [young["event_id"]]
    ((_, kept),) = records(config, "quarantine")
    assert (orjson.loads(kept["raw"]), kept["field"], kept["reason"]) == (old, "event_time", TOO_OLD.reason)
    assert 'stylestream_events_rejected_total{field="event_time"' in api.get("/metrics").text
