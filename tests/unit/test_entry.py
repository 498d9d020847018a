"""When a batch job takes the JVM without its optimising compiler."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from batch import entry
from batch.entry import LITTLE_BYTES, little
from batch.outcome import Outcome
from common.config_load import load_config
from common.sources.lake import EVENTS, table_path


def test_a_lake_is_little_until_its_events_fill_so_many_bytes(tmp_path: Path) -> None:
    config = replace(load_config(env={}), lake_path=str(tmp_path))
    assert little(config)
    folder = Path(table_path(config, EVENTS), "date=2026-03-01")
    folder.mkdir(parents=True)
    (folder / "a.parquet").write_bytes(b"x" * (LITTLE_BYTES - 1))
    assert little(config)
    (folder / "b.parquet").write_bytes(b"x")
    assert not little(config)


@pytest.mark.parametrize(("size", "short"), [(1, True), (LITTLE_BYTES, False)])
def test_a_job_on_a_little_lake_has_a_jvm_that_starts_fast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, short: bool
) -> None:
    config = replace(load_config(env={}), lake_path=str(tmp_path))
    (Path(table_path(config, EVENTS)) / "_delta_log").mkdir(parents=True)
    (Path(table_path(config, EVENTS)) / "a.parquet").write_bytes(b"x" * size)
    asked: dict[str, str] = {}

    def build(_config: object, _name: str, extra: dict[str, str]) -> Mock:
        asked.update(extra)
        return Mock()

    monkeypatch.setattr(entry, "build_session", build)
    monkeypatch.setattr(entry, "held", lambda *_: nullcontext(Mock(config=config)))
    entry.execute("als", lambda *_: Outcome("done", ""), config)
    assert ("TieredStopAtLevel=1" in asked.get("spark.driver.extraJavaOptions", "")) == short


def test_a_lake_elsewhere_is_taken_to_be_large() -> None:
    assert not little(replace(load_config(env={}), lake_path="s3a://bucket/lake"))
