"""POST /v1/events as clients write bodies: packed, in parts, in charsets that are none of JSON's."""

import dataclasses
import gzip

import httpx
import orjson
import pytest

from common.config import Config
from tests.event_factory import event
from tests.integration.conftest import Serve
from tests.integration.topic_reader import records

PACKED = {"Content-Encoding": "gzip", "Content-Type": "application/json; charset=utf-8"}


def test_a_gzip_body_is_taken_whole_or_in_parts(api: httpx.Client, config: Config) -> None:
    sent = [event(item_id="가방"), event(), event()]
    body = gzip.compress(orjson.dumps({"events": sent[:2]}))
    answer = api.post("/v1/events", content=body, headers=PACKED)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    last = gzip.compress(orjson.dumps(sent[2]))
    parts = (last[place : place + 5] for place in range(0, len(last), 5))
    assert api.post("/v1/events", content=parts, headers=PACKED).status_code == 202
    found = {value["event_id"]: value for _, value in records(config, "behavior")}
    assert found == {one["event_id"]: one for one in sent}


def test_the_limit_holds_for_what_is_unpacked(config: Config, serve: Serve) -> None:
    small = dataclasses.replace(config.serving, max_body_bytes=1000)
    api = serve(dataclasses.replace(config, serving=small))
    body = orjson.dumps(event())
    fits, one_more = body.ljust(1000), body.ljust(1001)
    assert api.post("/v1/events", content=gzip.compress(fits), headers=PACKED).status_code == 202
    for content in (gzip.compress(one_more), gzip.compress(bytes(10_000_000)), gzip.compress(b"") * 200):
        refused = api.post("/v1/events", content=content, headers=PACKED)
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Encoding": "gzip"}, 400, "malformed_gzip"),
        ({"Content-Encoding": "br"}, 415, "unsupported_media_type"),
        ({"Content-Encoding": "deflate, gzip"}, 415, "unsupported_media_type"),
        ({"Content-Type": "application/json; charset=euc-kr"}, 415, "unsupported_media_type"),
        ({"Content-Type": "text/plain;charset=UTF-8", "Content-Encoding": "identity"}, 202, None),
    ],
)
def test_headers_that_say_something_else_than_the_body_is_are_refused_precisely(
    api: httpx.Client, headers: dict[str, str], status: int, code: str | None
) -> None:
    answer = api.post("/v1/events", content=orjson.dumps(event()), headers=headers)
    assert answer.status_code == status
    if code:
        assert answer.json()["error"]["code"] == code


def test_what_gzip_holds_is_judged_like_any_body(api: httpx.Client, config: Config) -> None:
    answer = api.post("/v1/events", content=gzip.compress(b"\xff\xfe{"), headers=PACKED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_json")
    answer = api.post("/v1/events", content=gzip.compress(b"{"), headers=PACKED)
    assert answer.json()["error"]["message"].startswith("the body is not JSON: Expecting property name")
    marked = api.post("/v1/events", content=b"\xef\xbb\xbf{}")
    assert marked.json()["error"]["message"].endswith("it begins with a byte order mark; send UTF-8 without one")
    assert "{" in [value["raw"] for _, value in records(config, "quarantine")]
    answer = api.post("/v1/events", content=b"damaged", headers=PACKED)
    assert answer.json()["error"]["message"].endswith("Content-Encoding says: incorrect header check")
    assert len(records(config, "quarantine")) == 3  # what cannot be read cannot have its card numbers hidden either
