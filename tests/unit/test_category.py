"""A category is a path: what it is called however its slashes were typed, and what is said of one that is none."""

import pytest

from common.category import normal_category
from common.validate import Rejection, validate
from serving.records import fill

NOW_MS = 1_795_435_200_000
PATHS = {
    "women/shoes": "women/shoes",
    "women/": "women",
    "/women": "women",
    "women//shoes": "women/shoes",
    "//women///shoes//": "women/shoes",
    "women / shoes": "women / shoes",
    " women": " women",
    "a\\b": "a\\b",
    "/": "",
    "///": "",
    "/cafe\u0301/": "caf\u00e9",
}


def event(**more: object) -> dict[str, object]:
    plain = {"event_id": "a", "event_type": "view", "event_time": "2026-11-23T11:59:00Z", "user_id": "u"}
    return {**plain, "item_id": "i", **more}


@pytest.mark.parametrize(("typed", "name"), PATHS.items())
def test_slashes_only_part_names(typed: str, name: str) -> None:
    assert normal_category(typed) == name
    assert normal_category(name) == name


@pytest.mark.parametrize(("typed", "name"), PATHS.items())
def test_an_event_is_of_the_category_so_called_and_of_none_with_only_slashes(typed: str, name: str) -> None:
    read = validate(event(category=typed), NOW_MS)
    assert isinstance(read, dict) and read.get("category", "") == name


@pytest.mark.parametrize("typed", ["/[x", "//*", "/{", "/ ", "/\u3164/"])
def test_what_begins_wrong_without_its_slashes_is_no_category(typed: str) -> None:
    read = validate(event(category=typed), NOW_MS)
    assert isinstance(read, Rejection) and read.field == "category" and "starts with none of" in read.reason


def test_the_limit_holds_for_what_was_typed() -> None:
    read = validate(event(category="/" * 65), NOW_MS)
    assert isinstance(read, Rejection) and "64 characters" in read.reason


@pytest.mark.parametrize(("cached", "filled"), [(b"/women/", "women"), (b"/", None), (b"", None), (None, None)])
def test_what_the_collector_fills_in_from_an_older_catalogue_is_called_so_too(
    cached: bytes | None, filled: str | None
) -> None:
    read = event()
    fill(read, (cached, None))
    assert read.get("category") == filled
