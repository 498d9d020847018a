"""Which file is found damaged, and that whole ones are not."""

import dataclasses
from pathlib import Path

import pytest

from common.config import Config
from common.config_load import load_config
from common.damaged import damaged

LOG = "lake/events/_delta_log/0000000000000000001"
WHOLE = {
    "checkpoints/facts/metadata": b'{"id":"x"}',
    "checkpoints/facts/offsets/3": b"v1\n{}",
    "checkpoints/facts/offsets/.3.crc": b"",
    "checkpoints/facts/commits/3": b"v1\n{}",
    "checkpoints/facts/state/0/0/4.changelog": b"x",
    "checkpoints/als/part-0": b"",  # of a job, no query's
    f"{LOG}0.checkpoint.parquet": b"PAR1...PAR1",
    f"{LOG}0.json": b'{"add":{}}\n',
    f"{LOG}1.json": b'{"add":{}}',
    f"{LOG}1.crc": b"",
    "lake/events/_delta_log/_last_checkpoint": b"",  # both readers do without
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name, content in WHOLE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    paths = {"checkpoint_path": str(tmp_path / "checkpoints"), "lake_path": str(tmp_path / "lake")}
    return dataclasses.replace(load_config(env={}), **paths)  # type: ignore[arg-type]


def test_whole_files_are_not_named(config: Config) -> None:
    assert damaged(config) == ""
    assert damaged(dataclasses.replace(config, checkpoint_path="s3a://b/c", lake_path="s3a://b/l")) == ""


@pytest.mark.parametrize("name", [name for name in WHOLE if "/facts/" in name and ".crc" not in name])
def test_an_empty_file_of_a_query_is_named_with_its_folder(config: Config, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    folder = tmp_path / "checkpoints" / "facts"
    assert (
        damaged(config) == f"{tmp_path / name} is empty: stop the stream, remove the folder {folder} and start it again"
    )


@pytest.mark.parametrize(
    ("name", "left", "cure"),
    [
        (f"{LOG}0.checkpoint.parquet", b"PAR1..", "remove it and _last_checkpoint beside it"),
        (f"{LOG}0.checkpoint.parquet", b"", "remove it and _last_checkpoint beside it"),
        (f"{LOG}1.json", b"", "docs/operations.md"),
        (f"{LOG}1.json", b'{"add":{"pa', "docs/operations.md"),
    ],
)
def test_a_cut_file_of_delta_s_log_is_named(config: Config, tmp_path: Path, name: str, left: bytes, cure: str) -> None:
    (tmp_path / name).write_bytes(left)
    said = damaged(config)
    assert said.startswith(f"{tmp_path / name} is cut: ") and cure in said
