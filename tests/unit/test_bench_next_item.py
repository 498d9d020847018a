"""The bench of the next item: its ways answer what they say, its files are judged, its rows are complete."""

import gzip
from pathlib import Path

import pytest

from bench import next_item, session_load
from bench.next_item import FILES, OURS, given, judged, measure, popularity, read_questions, read_sessions, rules
from bench.stack import Ask
from common.config_load import load_config
from common.errors import ConfigError


def written(file: Path, text: str) -> Path:
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.write(text)
    return file


def test_rules_answer_the_session_itself_and_then_what_followed_its_last_item() -> None:
    answer = rules([["a", "b", "c"], ["a", "c"], ["a", "c"], ["b", "a", "d"]])
    assert answer(["x", "a"]) == ["a", "x", "c", "b", "d"]  # c: 1/2 + 1 + 1, b: 1, d: 1
    assert answer(["a", "b"])[:2] == ["b", "a"]
    assert popularity([["a", "b"], ["b"]])([]) == ["b", "a"]


def test_recall_and_reciprocal_rank_are_those_of_the_places() -> None:
    asked = [(["x"], "a"), (["x"], "b"), (["x"], "c"), (["x"], "z")]
    values = [row["value"] for row in judged("any", lambda seen: ["a", "b", "c"], asked)][:2]
    assert values == [pytest.approx(0.75), pytest.approx((1 + 1 / 2 + 1 / 3) / 4, abs=1e-3)]


def test_a_whole_run_has_targets_and_published_figures_beside_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_load, "SECONDS", 0.5)
    monkeypatch.setattr(next_item, "MADE", 1_000)
    monkeypatch.delenv("STYLESTREAM_DATA", raising=False)
    sessions = [f"{n % 9} {(n + 1) % 9} {(n + 2) % 9}" for n in range(2000)]
    train = written(tmp_path / "train.gz", "\n".join(sessions))
    test = written(tmp_path / "test.gz", "\n".join(f"{n % 9}\t{(n + 1) % 9}" for n in range(40)))
    ask = Ask(load_config(env={}), False, False, None, lambda _: None, train=train, test=test)
    rows = {row["name"]: row for row in measure(ask)}
    ours = rows[f"{OURS}: MRR@20"]
    assert (ours["target"], ours["published"]) == (0.195, 0.184)
    assert ours["value"] > rows["popularity: MRR@20"]["value"]
    assert rows[f"{OURS}: Recall@20"]["value"] == 1
    assert rows[f"{OURS}: 1000 answers/s of 2 processes, p90"]["published"] == 7
    bare = Ask(load_config(env={}), False, False, None, lambda _: None)
    assert all("repeating sessions" in row["name"] for row in measure(bare))  # which are made
    assert (given(bare), given(ask)) == (None, (train, test))
    folder = tmp_path / "diginetica"
    folder.mkdir()
    for name, file in zip(FILES, (train, test), strict=True):
        file.rename(folder / name)
    monkeypatch.setenv("STYLESTREAM_DATA", str(tmp_path))
    assert given(bare) == tuple(folder / name for name in FILES)


def test_files_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 2 is not 'items TAB next item'"):
        read_questions(written(tmp_path / "t.gz", "1 2\t3\n1 2 3\n"))
    with pytest.raises(ConfigError, match="no line with two items"):
        read_sessions(written(tmp_path / "s.gz", "1\n\n"))
    plain = tmp_path / "plain"
    plain.write_text("1 2")
    with pytest.raises(ConfigError, match="cannot be read as gzip"):
        read_sessions(plain)
