"""When a batch job takes the JVM without its optimising compiler."""

from dataclasses import replace
from pathlib import Path

from batch.entry import LITTLE_BYTES, little
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


def test_a_lake_elsewhere_is_taken_to_be_large() -> None:
    assert not little(replace(load_config(env={}), lake_path="s3a://bucket/lake"))
