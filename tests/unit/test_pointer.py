"""How a version comes to be served and is taken back, with the history and Redis as plain lists."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from batch import pointer, registry
from batch.registry import Move, Status, held
from common.config_load import load_config
from common.errors import StylestreamError

CONFIG = load_config(env={})
DAY = datetime(2026, 3, 1, tzinfo=timezone.utc)
SPARK: Any = None


class Served:
    """A kind of model: the versions there are, the one that is live, what was written to Redis."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.live, self.there = "", ["c", "b", "a"]
        self.history: list[Move] = []
        self.status: dict[str, Status] = {}
        self.written: list[str] = []
        self.broken: Exception | None = None
        self.note_lost = False  # the process ends where it would write the history
        self.pointer = pointer.Pointer("ctr", lambda _: self.live, lambda *_: self.there, self._put, self._point)
        monkeypatch.setattr(registry, "moves", lambda *_: list(self.history))
        monkeypatch.setattr(registry, "record_move", self._record)
        monkeypatch.setattr(registry, "statuses", lambda *_: dict(self.status))

    def _put(self, _spark: Any, _config: Any, version: str) -> str:
        if self.broken:
            raise self.broken
        self.written.append(version)
        return f"9 of {version}"

    def _point(self, _config: Any, version: str) -> None:
        self.live = version

    def _record(self, _spark: Any, _config: Any, version: str, reason: registry.Reason, kind: str) -> None:
        assert kind == "ctr"
        if self.note_lost:
            raise ConnectionError("the lake is away")
        self.history.append(Move(version, DAY + timedelta(days=len(self.history)), reason))

    @property
    def moves(self) -> list[tuple[str, str]]:
        return [(move.version, move.reason) for move in self.history]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    return Served(monkeypatch)


def test_a_new_version_is_live_and_noted(served: Served) -> None:
    assert pointer.serve_new(SPARK, CONFIG, served.pointer, "a") == "is live"
    assert (served.live, served.moves) == ("a", [("a", "publish")])


def test_after_a_rollback_new_versions_wait_until_one_is_promoted(served: Served) -> None:
    for version in ("a", "b"):
        pointer.serve_new(SPARK, CONFIG, served.pointer, version)
    assert pointer.rollback(SPARK, CONFIG, served.pointer) == "a"
    for _ in range(2):
        said = pointer.serve_new(SPARK, CONFIG, served.pointer, "c")
        assert said == "is kept, not served: rolled back to a; promote it by hand"
    assert (served.live, served.moves[2:]) == ("a", [("a", "rollback")])
    assert pointer.promote(SPARK, CONFIG, served.pointer, "c") == "9 of c"
    assert pointer.serve_new(SPARK, CONFIG, served.pointer, "b") == "is live"
    assert served.written == ["a", "c"]


@pytest.mark.parametrize(
    ("reasons", "waits"),
    [
        ((), False),
        (("publish",), False),
        (("publish", "rollback"), True),
        (("publish", "canary"), False),
        (("publish", "canary", "canary-over"), True),
        (("publish", "canary-over", "promote"), False),
        (("rollback", "publish"), False),
    ],
)
def test_what_is_trained_waits_after_a_rollback_and_after_a_canarys(
    reasons: tuple[registry.Reason, ...], waits: bool
) -> None:
    assert held([Move("v", DAY, reason) for reason in reasons]) is waits


def test_a_version_from_before_moves_were_noted_can_be_gone_back_to(served: Served) -> None:
    served.live = "a"
    pointer.serve_new(SPARK, CONFIG, served.pointer, "b")
    assert served.moves == [("a", "publish"), ("b", "publish")]
    assert pointer.rollback(SPARK, CONFIG, served.pointer) == "a"
    pointer.promote(SPARK, CONFIG, served.pointer, "a")
    assert served.moves[2:] == [("a", "rollback"), ("a", "promote")]


def test_the_same_version_again_is_noted_once_at_the_beginning(served: Served) -> None:
    served.live = "a"
    pointer.serve_new(SPARK, CONFIG, served.pointer, "a")
    assert served.moves == [("a", "publish")]


@pytest.mark.parametrize(
    ("version", "says"),
    [("x", "is unknown"), ("b", "was refused"), ("d", "is retired"), ("e", "has vanished"), ("f", "has vanished")],
)
def test_what_cannot_be_served_is_refused_and_moves_nothing(served: Served, version: str, says: str) -> None:
    served.live, served.there = "a", ["c", "b", "a", "9"]
    served.status = {"a": "published", "b": "refused", "c": "published", "d": "retired", "e": "published"}
    served.status["f"] = "trained"
    with pytest.raises(StylestreamError, match=f"the ctr version '{version}' {says}; kept: c, a, 9"):
        pointer.promote(SPARK, CONFIG, served.pointer, version)
    assert (served.live, served.moves, served.written) == ("a", [], [])


def test_a_version_that_is_trained_but_not_published_is_not_kept(served: Served) -> None:
    served.status = {"c": "trained", "b": "published"}
    assert pointer.kept(SPARK, CONFIG, served.pointer) == ["b", "a"]


def test_a_version_of_a_run_that_was_killed_before_it_noted_it_is_not_kept(served: Served) -> None:
    served.status = {"a": "published"}  # nothing is known of b and c, and there were runs before them
    assert pointer.kept(SPARK, CONFIG, served.pointer) == ["a"]
    served.live = ""
    assert pointer.restore(SPARK, CONFIG, served.pointer) == "a, 9 of a"


@pytest.mark.parametrize("reason", ["publish", "promote"])
def test_a_version_that_went_live_and_was_not_noted_can_be_gone_back_to(
    served: Served, reason: registry.Reason
) -> None:
    pointer.move(SPARK, CONFIG, served.pointer, "a", "publish")
    served.note_lost = True
    with pytest.raises(ConnectionError):
        pointer.move(SPARK, CONFIG, served.pointer, "b", reason)
    served.note_lost = False
    assert (served.live, served.moves) == ("b", [("a", "publish")])
    assert pointer.serve_new(SPARK, CONFIG, served.pointer, "c") == "is live"
    assert pointer.rollback(SPARK, CONFIG, served.pointer) == "b"
    assert pointer.rollback(SPARK, CONFIG, served.pointer) == "a"


def test_a_rollback_right_after_goes_back_one_version_not_two(served: Served) -> None:
    for version in ("a", "b"):
        pointer.serve_new(SPARK, CONFIG, served.pointer, version)
    served.note_lost = True
    with pytest.raises(ConnectionError):
        pointer.serve_new(SPARK, CONFIG, served.pointer, "c")
    served.note_lost = False
    assert pointer.rollback(SPARK, CONFIG, served.pointer) == "b"


def test_a_rollback_that_ends_half_way_lasts_and_is_carried_out_by_the_next(served: Served) -> None:
    for version in ("a", "b"):
        pointer.serve_new(SPARK, CONFIG, served.pointer, version)

    def away(*_: Any) -> None:
        raise ConnectionError("Redis is away")

    broken = replace(served.pointer, point=away)
    with pytest.raises(ConnectionError):
        pointer.rollback(SPARK, CONFIG, broken)
    assert pointer.serve_new(SPARK, CONFIG, served.pointer, "c").startswith("is kept, not served")
    assert (served.live, pointer.rollback(SPARK, CONFIG, served.pointer), served.live) == ("b", "a", "a")


def test_a_restore_serves_what_was_live_and_else_the_newest_kept_without_a_row_in_the_history(served: Served) -> None:
    served.history = [Move("a", DAY, "publish"), Move("b", DAY, "publish")]
    assert pointer.restore(SPARK, CONFIG, served.pointer) == "b, 9 of b"
    assert (served.live, len(served.history)) == ("b", 2)
    served.live = "a"  # Redis knows better than the history
    assert pointer.restore(SPARK, CONFIG, served.pointer) == "a, 9 of a"
    served.there = ["c"]
    assert pointer.restore(SPARK, CONFIG, served.pointer) == "c, 9 of c"
    served.there = []
    assert pointer.restore(SPARK, CONFIG, served.pointer) == "none yet"


def test_a_rollback_to_what_was_never_live_changes_nothing(served: Served) -> None:
    for version in ("a", "b"):
        pointer.serve_new(SPARK, CONFIG, served.pointer, version)
    pointer.rollback(SPARK, CONFIG, served.pointer)
    served.live = "b"  # as in a Redis that was restored from yesterday's copy
    before = served.moves
    with pytest.raises(StylestreamError, match="'c' was not live before"):
        pointer.rollback(SPARK, CONFIG, served.pointer, "c")
    assert served.moves == before
    assert pointer.serve_new(SPARK, CONFIG, served.pointer, "c").startswith("is kept, not served")


def test_a_restore_does_not_bring_back_what_was_rolled_back(served: Served) -> None:
    for version in ("a", "b", "c"):
        pointer.serve_new(SPARK, CONFIG, served.pointer, version)
    pointer.rollback(SPARK, CONFIG, served.pointer)
    served.live, served.there = "", ["c", "a"]  # Redis is lost, and so is b
    assert pointer.restore(SPARK, CONFIG, served.pointer) == "a, 9 of a"
    served.live, served.there = "", ["c"]
    assert pointer.restore(SPARK, CONFIG, served.pointer) == "not restored: nothing that was live is kept"
    assert served.live == ""


@pytest.mark.parametrize("error", [StylestreamError("gone"), OSError("disk"), ValueError("no JSON"), KeyError("x")])
def test_a_damaged_version_is_not_restored_and_the_pointer_stays(served: Served, error: Exception) -> None:
    served.live, served.broken = "a", error
    assert pointer.restore(SPARK, CONFIG, served.pointer) == f"not restored: {error}"
    assert served.live == "a"
