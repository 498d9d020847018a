"""The quality bench: its streams hold what they claim, its judge is right, and the targets are met."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.keyword_streams import DAY, EVERGREEN, Stream, from_lists, read_lists, simulated
from bench.keywords import GROWTH, OURS, RAW, Judge, judged, ranked, simulation_rows
from common.config_load import load_config
from common.errors import ConfigError
from common.models.trend import score

CONFIG = load_config(env={}).keywords


@pytest.fixture(scope="module")
def stream() -> Stream:
    return simulated(11, 1)


def test_simulated_trends_meet_the_targets_and_the_simple_ways_do_not(stream: Stream) -> None:
    rows = {row["name"]: row for row in simulation_rows(stream, CONFIG)}
    assert [name for name, row in rows.items() if row["ok"] is False] == []
    assert rows["simulated, raw count: precision@10 3 min after onset"]["value"] < 0.5
    assert rows["simulated, growth ratio: false trends"]["value"] > 50
    assert rows["simulated, z: recall"]["value"] == 1


def test_the_replay_scores_by_windows_and_baselines_summed_here(stream: Stream) -> None:
    """At one minute, from the counts alone: S and M as plain sums, even hours."""
    flat = Stream(stream.counts[: DAY + 40], stream.trends, DAY)
    at, width = DAY + 35, CONFIG.window_minutes
    past = flat.counts[: at - width + 1]
    weights = 2.0 ** ((np.arange(len(past)) - at) / CONFIG.half_life_minutes)
    by_hour = flat.counts[:DAY].sum(axis=1).reshape(24, 60).mean(axis=1)
    hours = (60 * by_hour + 120 * by_hour.mean()) / (180 * by_hour.mean())
    mass = float((weights * hours[np.arange(len(past)) // 60 % 24]).sum())
    window = flat.counts[at - width + 1 : at + 1].sum(axis=0)
    seen = weights @ past
    usual = (seen + 0.5) / (mass + 5) * sum(hours[m // 60 % 24] for m in range(at - 9, at + 1))
    head = [k for k in np.argsort(-usual)[:50] if usual[k] >= 5]
    busy = max(1.0, float(np.median((window / usual)[head])))
    z = score(window, seen, mass, busy * float((usual / (seen + 0.5)).mean() * (mass + 5)), CONFIG)
    wanted = {int(k) for k in np.argsort(-z)[:10] if z[k] >= CONFIG.min_score and window[k] >= CONFIG.min_users}
    shown = dict(ranked(flat, CONFIG))[at]
    assert wanted
    assert set(shown[OURS]) == wanted
    assert shown[RAW] == [int(k) for k in np.argsort(-window, kind="stable")[:10]]


def test_the_judge_counts_right_wrong_and_first_showings() -> None:
    judge = Judge(Stream(np.zeros((1, 1), np.int32), [(5, 10, 20), (6, 10, 20)], 0))
    judge.look(10, [1, 2], {5: 0, 6: 1}, [])
    judge.look(12, [1, 5], {5: 0, 6: 1}, [5, 6])
    assert (judge.shown, judge.right, judge.false_trends, judge.at_three) == (4, 1, 2, [0.5])
    assert judge.delays()[0] == 2
    assert judge.delays()[1] > DAY


def hourly(folder: Path, days: int) -> Path:
    """'old' is listed always, 'new' from the third hour of the second day for two hours."""
    rows = [(f"2024-06-{1 + h // 24:02d}", h % 24, "old", 500_000) for h in range(24 * days)]
    rows += [("2024-06-02", hour, "new", 400_000) for hour in (3, 4)]
    file = folder / "lists.parquet"
    names = ("date", "hour", "title", "hot")
    pq.write_table(pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), file)
    return file


def test_lists_become_a_stream_whose_trends_begin_at_the_list_before(tmp_path: Path) -> None:
    stream = from_lists(read_lists(hourly(tmp_path, 2)), 0, 2, 1)
    assert stream.trends == [(EVERGREEN + 1, DAY + 120, DAY + 240)]
    new, old = stream.counts[:, EVERGREEN + 1], stream.counts[:, EVERGREEN]
    assert new[: DAY + 120].sum() == 0
    assert new[DAY + 180 : DAY + 240].mean() == pytest.approx(8, abs=1.5)
    assert old.mean() == pytest.approx(10, rel=0.05)
    judges = judged(stream, CONFIG)
    assert judges[OURS].delays()[0] < 60
    assert judges[OURS].false_trends < judges[GROWTH].false_trends


def test_what_holds_no_lists_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    file.write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match="not hourly lists"):
        read_lists(file)


def test_the_real_lists_are_flagged_earlier_and_with_less_noise(data_folder: Path) -> None:
    stream = from_lists(read_lists(data_folder / "weibo_hot_hourly.parquet"), 0, 2, 0)
    judges = judged(stream, CONFIG)
    lead = [end - 60 - start for _, start, end in stream.trends]
    early = {n: np.mean([d < most for d, most in zip(j.delays(), lead, strict=True)]) for n, j in judges.items()}
    assert early[OURS] > max(early[RAW], early[GROWTH])
    assert judges[OURS].false_trends < min(judges[RAW].false_trends, judges[GROWTH].false_trends)
