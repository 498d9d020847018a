"""The tracker script on a page without a browser (node): once and again under one id, sessions, consent, page ends."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from serving.routes.page import tracker

NODE = shutil.which("node")
PAGE = Path(__file__).parent / "tracker_page.js"
VIEW = ["call", "view", {"item_id": "i-1"}]
SECOND = ["pass", 1000]
LONG = ["pass", 300_000]

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


@pytest.fixture
def page(tmp_path: Path) -> Any:
    """Runs steps on a page with the tracker as it is served."""
    script = tmp_path / "tracker.js"
    script.write_bytes(tracker())

    def run(*steps: list[Any]) -> dict[str, Any]:
        command = [str(NODE), str(PAGE), str(script), json.dumps(steps)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    return run


def sent(found: dict[str, Any], how: str = "posts") -> list[list[dict[str, Any]]]:
    return [post["body"]["events"] for post in found[how]]


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]


def test_it_is_small() -> None:
    assert len(tracker()) <= 3 * 1024


def test_what_happens_within_a_second_is_one_request(page: Any) -> None:
    found = page(["open", {"userId": "u-1"}], VIEW, ["call", "search", {"query": "coat"}], LONG, VIEW, LONG)
    first, second = sent(found)
    assert [event["event_type"] for event in first] == ["view", "search"]
    assert len({*ids(first), *ids(second)}) == 3
    assert {(event["user_id"], event["session_id"]) for event in first} == {("u-1", second[0]["session_id"])}
    assert first[0]["item_id"] == "i-1" and first[0]["event_time"] == "2026-01-31T09:30:00.000Z"
    assert {(post["url"], post["method"]) for post in found["posts"]} == {("https://api.example/v1/events", "POST")}
    assert found["posts"][0]["headers"] == {}
    assert json.loads(found["tab"]["stylestream"]) == []


@pytest.mark.parametrize("word", ["undefined", "null", "None", "NaN"])
def test_what_a_template_writes_for_nobody_is_sent_as_no_user(page: Any, word: str) -> None:
    found = page(["open", {"userId": word}], VIEW, SECOND, ["call", "init", {"userId": "u-1"}], VIEW, SECOND)
    assert [event.get("user_id") for (event,) in sent(found)] == [None, "u-1"]


@pytest.mark.parametrize("failures", [[0], [503], [429], [500, 0, 503]])
def test_what_failed_is_sent_again_under_the_same_id_later_and_later(page: Any, failures: list[int]) -> None:
    found = page(["open"], ["answer", *failures], VIEW, LONG)
    assert len(sent(found)) == len(failures) + 1
    assert len({tuple(ids(events)) for events in sent(found)}) == 1
    for number, wait in enumerate(found["waits"][1:], start=1):
        assert 1000 * 2**number <= wait <= 2000 * 2**number


def test_the_back_off_is_bounded_and_ends_with_success(page: Any) -> None:
    found = page(["open"], ["answer", *[503] * 12], VIEW, ["pass", 3_000_000], VIEW, SECOND)
    assert len(sent(found)) == 14
    assert max(found["waits"]) <= 128_000
    assert found["waits"][-1] == 1000


@pytest.mark.parametrize("status", [202, 400, 401, 403, 413, 415])
def test_what_no_later_try_changes_is_not_sent_again(page: Any, status: int) -> None:
    assert len(sent(page(["open"], ["answer", status], VIEW, LONG))) == 1


def test_the_queue_is_bounded_and_goes_out_in_batches(page: Any) -> None:
    found = page(["open"], ["answer", 503], VIEW, SECOND, ["times", 300, "click", {"item_id": "i-2"}], LONG)
    assert [len(events) for events in sent(found)] == [1, 50, 50, 50, 50]
    assert {event["event_type"] for events in sent(found)[1:] for event in events} == {"click"}


def test_the_end_of_a_page_is_one_beacon_and_the_next_page_makes_sure(page: Any) -> None:
    found = page(["open"], VIEW, ["leave"], ["open"], LONG)
    (beacon,), (post,) = sent(found, "beacons"), sent(found)
    assert ids(beacon) == ids(post)
    assert found["beacons"][0]["url"] == "https://api.example/v1/events"
    assert sent(page(["open"], VIEW, LONG, ["leave"]), "beacons") == []


def test_what_is_older_than_an_hour_is_not_sent_by_a_later_page(page: Any) -> None:
    assert sent(page(["open"], ["answer", 503], VIEW, SECOND, ["open"], ["pass", 1])) != []
    found = page(["open"], VIEW, ["leave"], ["open", {"consent": "required"}], ["pass", 3_600_001], ["open"], LONG)
    assert sent(found) == []


def test_with_a_key_the_end_of_a_page_is_a_request_that_outlives_it(page: Any) -> None:
    found = page(["open", {"apiKey": "k"}], VIEW, ["leave"])
    assert found["beacons"] == []
    (post,) = found["posts"]
    assert (post["headers"], post["keepalive"]) == ({"X-API-Key": "k"}, True)


@pytest.mark.parametrize("key", [{}, {"apiKey": "k"}])
def test_the_end_of_a_page_with_more_than_a_beacon_holds_sends_the_newest(page: Any, key: dict[str, str]) -> None:
    large = ["times", 50, "view", {"item_id": "i-1", "note": "여" * 700}]  # some 2.3 kB each
    found = page(["open", key], ["limit", {"beacon": 65_536}], large, ["leave"], ["pass", 0])
    (batch,) = sent(found, "posts" if key else "beacons")
    assert ids(batch) == [json.loads(text)["event_id"] for text in json.loads(found["tab"]["stylestream"])][25:]
    small = page(["open", key], ["limit", {"beacon": 65_536}], ["times", 50, "view", {}], ["leave"])
    assert [len(batch) for batch in sent(small, "posts" if key else "beacons")] == [50]


def test_of_a_batch_that_is_too_large_only_the_event_that_is_too_large_alone_is_given_up(page: Any) -> None:
    around = ["times", 30, "view", {"item_id": "i-1"}]
    large = ["call", "search", {"query": "x" * 9000}]
    found = page(["open"], ["limit", {"request": 9000}], around, large, around, LONG)
    taken = [batch for batch in sent(found) if len(json.dumps(batch, separators=(",", ":"))) < 8900]
    views = [one for batch in taken for one in ids(batch)]
    assert len(views) == len(set(views)) == 60
    assert found["waits"] == [1000, *[0] * (len(found["posts"]) - 1)]
    assert json.loads(found["tab"]["stylestream"]) == []
    assert len(found["posts"]) < 30


def test_a_session_ends_after_thirty_minutes_of_silence(page: Any) -> None:
    minutes = 60_000
    found = page(
        ["open"], VIEW, ["pass", 29 * minutes], VIEW, ["close"], ["open"], ["pass", 29 * minutes], VIEW, SECOND,
        ["pass", 31 * minutes], VIEW, SECOND,
    )  # fmt: skip
    sessions = [event["session_id"] for events in sent(found) for event in events]
    assert len(sessions) == 3  # the second view went with its tab
    assert sessions[0] == sessions[1] != sessions[2]


def test_nothing_is_sent_or_stored_before_consent_and_then_all_of_the_page(page: Any) -> None:
    asking = ["open", {"consent": "required"}]
    before = page(asking, VIEW, LONG, ["leave"])
    assert (before["posts"], before["beacons"], before["local"], before["tab"]) == ([], [], {}, {})
    found = page(asking, VIEW, ["pass", 5000], ["call", "consent", True], VIEW, LONG)
    assert [event["event_time"][17:] for event in sent(found)[0]] == ["00.000Z", "05.000Z"]


def test_a_refusal_empties_queue_and_storage_and_lasts(page: Any) -> None:
    found = page(["open"], VIEW, ["call", "consent", False], VIEW, LONG, ["leave"])
    assert (found["posts"], found["beacons"], found["local"], found["tab"]) == ([], [], {}, {})
    found = page(["open"], ["answer", 503], VIEW, SECOND, ["call", "consent", False], LONG)
    assert (len(found["posts"]), found["local"], found["tab"]) == (1, {}, {})
    asked = page(["open", {"consent": "required"}], VIEW, ["call", "consent", False], ["call", "consent", True], LONG)
    assert asked["posts"] == []


def test_calls_before_the_script_has_come_are_made_up_for(page: Any) -> None:
    calls = [["init", {"userId": "u-2", "endpoint": "https://shop.example/events"}], ["view", {"item_id": "i-9"}]]
    found = page(["open", {}, calls], SECOND)
    ((event,),) = sent(found)
    assert (found["posts"][0]["url"], event["user_id"], event["item_id"]) == (
        "https://shop.example/events", "u-2", "i-9",
    )  # fmt: skip
    asking = page(["open", {}, [["init", {"consent": "required"}], ["view", {"item_id": "i-9"}]]], LONG)
    assert (asking["posts"], asking["local"], asking["tab"]) == ([], {}, {})


def test_a_browser_that_refuses_storage_still_counts_in_one_session(page: Any) -> None:
    found = page(["open", {}, [], True], VIEW, LONG, VIEW, LONG, ["leave"])
    assert len({event["session_id"] for events in sent(found) for event in events}) == 1
    assert len(sent(found)) == 2
