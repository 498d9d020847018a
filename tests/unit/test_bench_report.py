"""Rows, the table, the ratio to an earlier run, and the rates worked out from micro-batches."""

import json
from pathlib import Path

import pytest

from bench.report import environment, read, row, table, write
from bench.sections import SECTIONS, chosen
from bench.stack import own
from bench.throughput import Batch, rates
from cli.main import main
from common.config_load import load_config
from common.errors import ConfigError

FIELDS = ["section", "name", "value", "unit", "target", "ok", "published"]


@pytest.mark.parametrize(
    ("value", "target", "least", "ok"),
    [
        (199.0, 200, False, True),
        (200.0, 200, False, True),
        (200.1, 200, False, False),
        (30_000.0, 30_000, True, True),
        (29_999.0, 30_000, True, False),
        (None, 200, False, False),
        (1.0, None, False, None),
    ],
)
def test_a_row_says_whether_its_target_is_met(
    value: float | None, target: float | None, least: bool, ok: bool | None
) -> None:
    made = row("s", "n", value, "ms", target, least)
    assert list(made) == FIELDS
    assert made["ok"] is ok


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    where, rows = environment(), [row("serving", "click → For You p50", 12.3456, "ms", 100)]
    write(tmp_path / "bench.json", where, rows)
    assert read(tmp_path / "bench.json") == {"environment": where, "rows": rows}
    assert set(where) == {"python", "spark", "delta", "cores", "memory_gb", "load_average"}
    assert rows[0]["value"] == 12.346


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": []}', '{"environment": 1, "rows": []}', '{"rows": [1]}'])
def test_what_is_no_earlier_run_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"other\.json: not a file that 'stylestream bench --json' wrote"):
        read(file)


def test_the_table_shows_the_ratio_to_the_earlier_run_where_there_is_one() -> None:
    rows = [
        row("a", "both", 150.0, "ms", 200),
        row("a", "new", 7.0, "ms"),
        row("b", "from nothing", 5.0, "1/s", 9, True),
    ]
    earlier = {"environment": {}, "rows": [row("a", "both", 100.0, "ms"), row("b", "from nothing", 0.0, "1/s")]}
    lines = [line.split() for line in table(rows, earlier).splitlines()]
    assert lines == [
        ["name", "value", "unit", "target", "ok", "earlier", "ratio"],
        ["a:", "both", "150", "ms", "200", "yes", "100", "1.500"],
        ["a:", "new", "7", "ms", "-", "-", "-", "-"],
        ["b:", "from", "nothing", "5", "1/s", "9", "NO", "0", "-"],
    ]
    assert table(rows).splitlines()[0].split() == ["name", "value", "unit", "target", "ok"]
    lines = [line.split() for line in table([rows[0], rows[1] | {"published": 6.5}]).splitlines()]
    assert [line[-1] for line in lines] == ["published", "-", "6.500"]


def test_rates_come_from_the_micro_batches_own_times() -> None:
    batches = [
        Batch(0, 1000, 10_000, {"addBatch": 9000}, 50_000),
        Batch(1, 3000, 2000, {"addBatch": 1500}, 53_000),
        Batch(2, 1000, 500, {"addBatch": 500}, 55_000),
    ]
    found = [one["value"] for one in rates(batches, 5000)]
    assert found == [4000 / 2.5, 5000 / 12.5, 5000, 3, 12.5, 2000 / 2500]
    assert rates(batches, 5000, warm=3500)[0]["value"] == 1000 / 0.5


def test_when_a_micro_batch_was_missed_the_time_between_the_notes_counts() -> None:
    batches = [Batch(0, 1000, 10_000, {}, 50_000), Batch(2, 1000, 500, {}, 55_000)]
    assert [one["value"] for one in rates(batches, 5000)][:2] == [4000 / 5, round(5000 / 15, 3)]


def test_one_micro_batch_has_no_steady_rate() -> None:
    assert rates([Batch(0, 1000, 500, {"addBatch": 400}, 1)], 1000)[0]["value"] is None


def test_all_sections_are_chosen_when_none_is_named_and_each_once() -> None:
    assert chosen((), running=False) == list(SECTIONS)
    assert chosen(("serving", "throughput", "serving"), running=False) == ["serving", "throughput"]
    assert chosen((), running=True) == ["serving"]


def test_an_unknown_section_is_refused_in_one_line_that_names_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "throughput", "speed"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == f"stylestream: no section 'speed'; there are: {', '.join(SECTIONS)}\n"


def test_an_earlier_run_that_is_not_there_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "--compare", str(tmp_path / "none.json")])
    assert ended.value.code == 2
    assert "none.json: cannot be read (No such file or directory)" in capsys.readouterr().err


def test_a_measurement_leaves_the_configured_servers_and_folders_alone(tmp_path: Path) -> None:
    given = {
        "STYLESTREAM_KAFKA__BOOTSTRAP_SERVERS": "shop:9092",
        "STYLESTREAM_KAFKA__SASL_PASSWORD": "secret",
        "STYLESTREAM_REDIS__URL": "redis://shop",
        "STYLESTREAM_LAKE_PATH": "/shop/lake",
    }
    text = json.dumps(own(load_config(env=given), tmp_path), default=vars)
    assert "shop" not in text
    assert "secret" not in text
