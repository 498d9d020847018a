"""A configuration that does not fit is refused in one line that names its source, the key and what is allowed."""

import dataclasses
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml

from common.config import Config
from common.config_load import CONF_DIR, load_config
from common.errors import ConfigError

OPEN = {"spark.conf"}


def refusal(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, env or {})
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kafka: {bootstrap_server: x}", ["mine.yaml", "kafka.bootstrap_server", "bootstrap_servers"]),
        ("kafak: {}", ["mine.yaml", "'kafak'", "kafka"]),
        ("serving: {port: 70000}", ["mine.yaml", "serving.port", "70000", "65535"]),
        ("serving: {max_categories: 0}", ["mine.yaml", "serving.max_categories", "greater than 0"]),
        ("serving: {max_event_age_days: 0}", ["serving.max_event_age_days", "greater than 0"]),
        ("serving: {max_event_age_days: 36526}", ["serving.max_event_age_days", "36525"]),
        ("serving: {port: soon}", ["mine.yaml", "serving.port", "'soon'", "integer"]),
        ("kafka: {partitions: 0}", ["mine.yaml", "kafka.partitions", "greater than 0"]),
        ("als: {test_fraction: 1}", ["als.test_fraction", "less than 1"]),
        ("als: {alpha: .nan}", ["als.alpha", "finite"]),
        ("als: {weights: {veiw: 1}}", ["als.weights", "'view'"]),
        ("streaming: {redis_rows_per_call: 20001}", ["streaming.redis_rows_per_call", "20001", "20000"]),
        ("streaming: {watermark: 10}", ["streaming.watermark", "10"]),
        ("streaming: {watermark: ten minutes}", ["streaming.watermark", "ten minutes", "minutes|hours"]),
        ("streaming: {queries: []}", ["streaming.queries", "at least 1"]),
        ("serving: {cors_origins: [shop.example]}", ["mine.yaml", "serving.cors_origins.0", "scheme://host"]),
        ("serving: {cors_origins: ['https://a.example/shop']}", ["'https://a.example/shop'", "nothing after it"]),
        ("serving: {cors_origins: ['https://a.example', 'https://b.example/']}", ["cors_origins.1", "nothing after"]),
        ("serving: {cors_origins: ['https://*.example']}", ["cors_origins.0", "scheme://host"]),
        ("serving: {cors_origins: ['https://Shop.example']}", ["cors_origins.0", "lower case"]),
        ("serving: {cors_origins: ['https://shop.example:443']}", ["cors_origins.0", "leave the port out"]),
        ("serving: {cors_origins: ['null']}", ["cors_origins.0", "scheme://host"]),
        ("serving: {cors_origins: ['*', 'https://a.example']}", ["serving.cors_origins", "stands alone"]),
        ("serving: {cors_origins: https://a.example}", ["serving.cors_origins", "list"]),
        ("kafka: embedded", ["mine.yaml", "'kafka'"]),
        ("- a\n- b", ["mine.yaml", "keys and values"]),
        ("kafka: {", ["mine.yaml", "not valid YAML"]),
    ],
)
def test_a_wrong_file_is_refused_by_name_key_and_what_is_allowed(tmp_path: Path, text: str, said: list[str]) -> None:
    message = refusal(tmp_path, text)
    assert [part for part in said if part not in message] == []


def test_a_wrong_environment_variable_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "", {"STYLESTREAM_SERVING__PORT": "-1"})
    assert "STYLESTREAM_SERVING__PORT" in message and "serving.port" in message
    message = refusal(tmp_path, "", {"STYLESTREAM_SERVING__POTR": "1"})
    assert "STYLESTREAM_SERVING__POTR" in message and "port" in message


def test_origins_are_taken_as_browsers_write_them() -> None:
    for origins in ("[]", "['*']", "[https://shop.example, 'http://127.0.0.1:8080', 'http://[::1]:3000', app://shop]"):
        config = load_config(CONF_DIR / "local.yaml", {"STYLESTREAM_SERVING__CORS_ORIGINS": origins})
        assert config.serving.cors_origins == yaml.safe_load(origins)


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    message = refusal(tmp_path, "serving: {api_keys: [{key_sha256: hunter2, scopes: [read]}]}")
    assert "hunter2" not in message and "key_sha256" in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "none.yaml"))):
        load_config(tmp_path / "none.yaml", {})


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kafka: {partitions: 7}\nserving: {port: 8001}\nspark: {conf: {spark.ui.port: '4050'}}")
    config = load_config(file, {"STYLESTREAM_SERVING__PORT": "8002", "STYLESTREAM_DATA": "elsewhere"})
    assert (config.kafka.partitions, config.serving.port, config.kafka.retention_hours) == (7, 8002, 168)
    assert config.spark.conf == {"spark.ui.port": "4050"}


@pytest.mark.parametrize("name", ["local.yaml", "cluster.yaml"])
def test_the_files_we_ship_load(name: str) -> None:
    assert isinstance(load_config(CONF_DIR / name, {}), Config)


def test_the_reference_has_every_key_and_no_other() -> None:
    reference = yaml.safe_load((CONF_DIR / "reference.yaml").read_text(encoding="utf-8"))
    assert _keys_of(reference) == {name for name in _fields_of(Config) if not name.startswith("fence.")}
    assert "fence" not in load_config(env={}).as_tree()


def _keys_of(tree: dict[str, Any], at: str = "") -> set[str]:
    keys: set[str] = set()
    for key, value in tree.items():
        nested = isinstance(value, dict) and f"{at}{key}" not in OPEN and key != "weights"
        keys |= _keys_of(value, f"{at}{key}.") if nested else {f"{at}{key}"}
    return keys


def _fields_of(kind: type, at: str = "") -> set[str]:
    fields: set[str] = set()
    for name, hint in ((f.name, get_type_hints(kind)[f.name]) for f in dataclasses.fields(kind)):
        fields |= _fields_of(hint, f"{at}{name}.") if dataclasses.is_dataclass(hint) else {f"{at}{name}"}  # type: ignore[arg-type]
    return fields


@pytest.mark.parametrize(
    ("rankings", "words"),
    [
        ("{definitions: [{name: popular, kind: decay, minutes: 5, weights: {view: 1}}]}", "needs 'views-1h'"),
        ("{retention_hours: 47}", "window of 1440 minutes"),
    ],
)
def test_rankings_that_cannot_work_are_refused(tmp_path: Path, rankings: str, words: str) -> None:
    assert words in refusal(tmp_path, f"rankings: {rankings}")


def test_a_search_range_begins_with_the_smaller_end(tmp_path: Path) -> None:
    assert "'als.search.alpha' is [3, 2]" in refusal(tmp_path, "als: {search: {alpha: [3, 2]}}")


def test_a_password_that_looks_like_yaml_stays_text_and_unseen() -> None:
    assert load_config(env={"STYLESTREAM_KAFKA__SASL_PASSWORD": "{abc"}).kafka.sasl_password == "{abc"
    with pytest.raises(ConfigError, match="STYLESTREAM_SERVING__API_KEYS"):
        load_config(env={"STYLESTREAM_SERVING__API_KEYS": "{abc"})
