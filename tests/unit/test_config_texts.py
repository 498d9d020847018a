"""Secrets as files and orchestrators hand them over, and paths: what is mended in them, refused, and shown."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from common.config_load import load_config
from common.errors import ConfigError
from common.sources.lake import table_path
from common.sources.lake_sql import open_table

SHA = "ab" * 32


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_newline_at_the_end_of_a_secret_is_taken_off(end: str) -> None:
    config = load_config(
        env={
            "STYLESTREAM_KAFKA__SASL_USERNAME": f"me{end}",
            "STYLESTREAM_KAFKA__SASL_PASSWORD": f" hunter2 {end}",
            "STYLESTREAM_KAFKA__BOOTSTRAP_SERVERS": f"k:9092{end}",
            "STYLESTREAM_REDIS__URL": f"redis://:hunter2@r:6379/0{end}",
            "STYLESTREAM_SERVING__API_KEYS": f'[{{key_sha256: "{SHA}\\n", scopes: [read]}}]{end}',
        }
    )
    kafka = config.kafka
    assert (kafka.sasl_username, kafka.sasl_password, kafka.bootstrap_servers) == ("me", " hunter2 ", "k:9092")
    assert config.redis.url == "redis://:hunter2@r:6379/0"
    assert config.serving.api_keys[0].key_sha256 == SHA


def test_a_secret_of_a_file_is_taken_likewise(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kafka:\n  sasl_password: |\n    hunter2\nspark:\n  conf:\n    a.secret: |\n      hunter3\n")
    config = load_config(file, {})
    assert (config.kafka.sasl_password, config.spark.conf["a.secret"]) == ("hunter2", "hunter3")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("STYLESTREAM_KAFKA__SASL_PASSWORD", "kafka.sasl_password"),
        ("STYLESTREAM_KAFKA__SASL_USERNAME", "kafka.sasl_username"),
        ("STYLESTREAM_KAFKA__BOOTSTRAP_SERVERS", "kafka.bootstrap_servers"),
        ("STYLESTREAM_REDIS__URL", "redis.url"),
    ],
)
@pytest.mark.parametrize("value", ["hunter2\nhunter3", "\nhunter2", "hunter2\n\n", "hunter2\r"])
def test_a_newline_inside_is_refused_without_showing_the_secret(name: str, key: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(env={name: value})
    said = str(caught.value)
    assert name in said and f"'{key}'" in said and "newline" in said
    assert "hunter" not in said and "\n" not in said


def test_a_broken_file_is_not_quoted_as_a_password_may_stand_in_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text('kafka: {sasl_password: "hunter2}\n')
    with pytest.raises(ConfigError, match=r"not valid YAML: .*line 2") as caught:
        load_config(file, {})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["with space", "ha#sh", "q?mark", "\ud55c\uae00", "e\u0301", "a,b", "[x]{y}", "$x;'"])
def test_a_table_is_opened_below_a_path_with_unusual_signs(tmp_path: Path, name: str) -> None:
    link = tmp_path / "link"
    (tmp_path / name).mkdir()
    link.symlink_to(tmp_path / name)
    plain = tmp_path / "plain"
    config = load_config(env={"STYLESTREAM_LAKE_PATH": str(plain / "lake")})
    write_deltalake(table_path(config, "item_facts"), pa.table({"category": ["a/b c"], "n": [1]}))
    (plain / "lake").rename(tmp_path / name / "lake")  # written by Spark there; delta-rs only reads
    for folder in (tmp_path / name, link):
        table = open_table(dataclasses.replace(config, lake_path=str(folder / "lake")), "item_facts")
        assert table is not None and table.to_pyarrow_table().num_rows == 1
    assert load_config(env={"STYLESTREAM_LAKE_PATH": str(tmp_path / name / "lake")}).lake_path.endswith(f"{name}/lake")


@pytest.mark.parametrize(
    ("path", "sign"),
    [
        ("/data/50%/lake", "'%'"),
        ("/data/a%20b/lake", "'%'"),
        ("/data/back\\slash", r"'\\\\'"),
        ("/data/tab\t", r"'\\t'"),
        ("s3a://bucket/a b", "' '"),
        ("s3a://bucket/%20", "'%'"),
        ("hdfs://h/\ud55c\uae00", "'\ud55c'"),
        ("file:///a#b", "'#'"),
    ],
)
def test_a_lake_that_not_every_reader_opens_is_refused_by_key_and_sign(path: str, sign: str) -> None:
    with pytest.raises(ConfigError, match=rf"STYLESTREAM_LAKE_PATH: 'lake_path' is .* must not hold {sign}"):
        load_config(env={"STYLESTREAM_LAKE_PATH": path})


@pytest.mark.parametrize("path", ["s3a://bucket/lake", "abfss://c@account.dfs.core.windows.net/lake", "/data/lake"])
def test_usual_places_are_taken(path: str) -> None:
    assert load_config(env={"STYLESTREAM_LAKE_PATH": path}).lake_path == path
