"""The collector against a real Kafka and Redis: what is accepted, refused, guarded and remembered."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import orjson
import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.validate import rfc3339
from serving import services
from serving.limits import RateLimit
from tests.event_factory import event
from tests.integration.conftest import Serve
from tests.integration.topic_reader import records


def test_an_accepted_event_is_in_its_topic_under_its_users_key(api: httpx.Client, config: Config) -> None:
    sent = [
        event(),
        event("search", item_id=None, query="긴 코트 🧥\u0000"),
        event(user_id=None, session_id="s-1"),
    ]
    order = event("order", item_id=None, order_id="o-1")
    answer = api.post("/v1/events", json={"events": [*sent, order]})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 4, "rejected": []})
    found = {value["event_id"]: (key, value) for key, value in records(config, "behavior")}
    assert {key for key, _ in found.values()} == {"u-1", "s-1"}
    assert found[sent[1]["event_id"]][1]["query"] == "긴 코트 🧥\u0000"
    assert [value for _, value in records(config, "orders")] == [order]


def test_one_event_without_a_list_is_accepted(api: httpx.Client) -> None:
    assert api.post("/v1/events", json=event()).json() == {"accepted": 1, "rejected": []}
    assert api.post("/v1/events", json={"events": []}).json() == {"accepted": 0, "rejected": []}


def test_a_resent_event_is_accepted_but_produced_once(api: httpx.Client, config: Config) -> None:
    sent = event()
    for body in ({"events": [sent, sent]}, sent, {"events": [sent, event()]}):
        answer = api.post("/v1/events", json=body)
        assert answer.status_code == 202
        assert answer.json()["accepted"] == len(body.get("events", [body]))  # type: ignore[arg-type]
    assert sum(value["event_id"] == sent["event_id"] for _, value in records(config, "behavior")) == 1


def test_the_same_event_sent_at_the_same_time_is_produced_once(api: httpx.Client, config: Config) -> None:
    sent = event()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.post("/v1/events", json=sent).status_code, range(16)))
    assert answers == [202] * 16
    assert len(records(config, "behavior")) == 1


def test_refused_events_are_named_and_quarantined_and_the_others_accepted(api: httpx.Client, config: Config) -> None:
    bad = [
        (event(user_id=None), "user_id"),
        (event(price=-1), "price"),
        (event(event_time="2999-01-01T00:00:00Z"), "event_time"),
        (event(event_time="1970-01-01T00:00:00Z"), "event_time"),
        (event("dance"), "event_type"),
        (event(item_id="a\u0000b"), "item_id"),
        (event(item_id="x" * 65), "item_id"),
        ("no object", ""),
        (event(extra=orjson.loads("[" * 40 + "]" * 40)), ""),
        (event(extra="x" * 300_000), ""),
    ]
    answer = api.post("/v1/events", json={"events": [event(), *(one for one, _ in bad), event()]})
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [(r["index"], r["field"]) for r in answer.json()["rejected"]] == [
        (n, field) for n, (_, field) in enumerate(bad, start=1)
    ]
    kept = [value for _, value in records(config, "quarantine")]
    assert {(value["source"], value["encoding"]) for value in kept} == {("collector", "text")}
    assert [orjson.loads(value["raw"]) for value in kept if value["field"] == "price"] == [bad[1][0]]
    assert 'stylestream_events_rejected_total{field="price"' in api.get("/metrics").text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b"", 400, "malformed_json"),
        (b'{"event_id": "\xff"}', 400, "malformed_json"),
        (b"\x00\x01", 400, "malformed_json"),
        (b"[" * 5000, 400, "malformed_json"),
        (b"[]", 400, "invalid_input"),
        (b"7", 400, "invalid_input"),
        (b'{"events": 7}', 400, "invalid_input"),
        (b'{"events": [' + b"1," * 1000 + b"1]}", 400, "invalid_input"),
        (b'"' + b"x" * 1_048_576 + b'"', 413, "too_large"),
    ],
)
def test_a_bad_body_is_refused_precisely(api: httpx.Client, body: bytes, status: int, code: str) -> None:
    answer = api.post("/v1/events", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(api: httpx.Client) -> None:
    answer = api.post("/v1/events", content=(b"x" * 65_536 for _ in range(40)))
    assert answer.status_code == 413


def test_category_and_price_are_filled_from_the_catalogue_when_absent(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    redis_conn.hset(keys.product("i-1"), mapping={"category": "코트", "price": "59.5"})
    api.post("/v1/events", json={"events": [event(), event(category="own", price=3), event(item_id="i-2")]})
    found = [(value.get("category"), value.get("price")) for _, value in records(config, "behavior")]
    assert sorted(found, key=str) == sorted([("코트", 59.5), ("own", 3.0), (None, None)], key=str)


def test_a_category_of_the_catalogue_that_no_event_may_have_is_not_filled_in(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    bad = ["x" * 65, "4111111111111111", "[a"]
    for n, category in enumerate(bad):
        redis_conn.hset(Keys(config.redis.prefix).product(f"i-{n}"), mapping={"category": category})
    api.post("/v1/events", json={"events": [event(item_id=f"i-{n}") for n in range(len(bad))]})
    assert [value.get("category") for _, value in records(config, "behavior")] == [None] * len(bad)


def test_what_the_client_says_of_the_time_goes_on_and_counts_here_at_its_receipt(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    now = time.time_ns() // 1_000_000
    said = rfc3339(now + 200_000)
    api.post("/v1/events", json=event(event_time=said))
    ((_, value),) = records(config, "behavior")
    assert value["event_time"] == said
    ((_, score),) = redis_conn.zrange(Keys(config.redis.prefix).recent("u-1"), 0, -1, withscores=True)
    assert now <= score <= time.time_ns() // 1_000_000


def test_item_actions_are_on_the_recent_list_when_the_answer_arrives(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    sent = [event(item_id=f"i-{n}", event_time=f"2026-01-01T00:00:{n % 60:02d}.{n:03d}Z") for n in range(70)]
    api.post("/v1/events", json={"events": [*sent, event("exposure", surface="home", position=1)]})
    api.post("/v1/events", json=event("cart_add", user_id=None, session_id="s-9", category="c", price=2))
    newest = sorted(sent, key=lambda one: one["event_time"])[-config.profile.recent_actions :]
    kept = [orjson.loads(member) for member in redis_conn.zrange(keys.recent("u-1"), 0, -1)]
    assert [member[1] for member in kept] == [one["event_id"] for one in newest]
    assert 0 < redis_conn.ttl(keys.recent("u-1")) <= config.profile.ttl_hours * 3600
    (session,) = redis_conn.zrange(keys.recent("s-9"), 0, -1)
    assert orjson.loads(session)[2:] == ["cart_add", "i-1", "c", 2.0]


def test_an_event_that_kafka_did_not_take_is_asked_for_again(
    config: Config, serve: Serve, redis_conn: redis.Redis
) -> None:
    keys, sent = Keys(config.redis.prefix), event()
    absent = dataclasses.replace(config.kafka, bootstrap_servers="127.0.0.1:1")
    brief = dataclasses.replace(config.serving, ack_timeout_seconds=0.3)
    without_kafka = serve(dataclasses.replace(config, kafka=absent, serving=brief))
    answer = without_kafka.post("/v1/events", json=sent)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert not redis_conn.exists(keys.seen(sent["event_id"]), keys.recent("u-1"))
    assert serve(config).post("/v1/events", json=sent).json()["accepted"] == 1
    assert len(records(config, "behavior")) == 1


def test_more_requests_than_allowed_are_turned_away_with_a_time_to_wait(
    config: Config, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(services, "RateLimit", lambda rate: RateLimit(rate, lambda: now[0]))
    client = serve(dataclasses.replace(config, serving=dataclasses.replace(config.serving, requests_per_second=2)))
    answers = [client.post("/v1/events", json=event()) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429, 429]
    assert answers[2].headers["retry-after"] == "1"
    assert answers[2].json()["error"]["code"] == "too_many_requests"
    assert client.get("/healthz").status_code == 200
    now[0] += 0.5
    assert [client.post("/v1/events", json=event()).status_code for _ in range(2)] == [202, 429]
