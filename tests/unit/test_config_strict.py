"""Values that readers would take in two ways, that a part of the platform cannot take, or that contradict another."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from batch.plan import load_plan
from common.config import Config
from common.config_load import CONF_DIR, load_config
from common.errors import ConfigError
from common.plain_yaml import read_yaml

SHA = "ab" * 32
REFERENCE = read_yaml((CONF_DIR / "reference.yaml").read_text(encoding="utf-8"))


def refusal(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, env or {})
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(tmp_path), "…")


REFUSED = {
    "true for a number": ("serving: {workers: true}", "'serving.workers' is True: must be an integer"),
    "true for a weight": ("als: {weights: {view: true}}", "'als.weights.view' is True: must be a number"),
    "a section twice": ("serving: {port: 1}\nserving: {workers: 2}", "key 'serving' comes twice, line 2, column 1"),
    "a key twice": ("als: {weights: {view: 1, 'view': 5}}", "key 'view' comes twice, line 1, column 26"),
    "a number in octal": ("serving: {port: 010}", "'serving.port' is '010': must be an integer"),
    "a number in base 60": ("keywords: {min_users: 1:30}", "'keywords.min_users' is '1:30': must be an integer"),
    "a number of 5,000 digits": (f"serving: {{port: {'9' * 5000}}}", "must be an integer of at most 18 decimal digits"),
    "Arabic digits": ("streaming: {watermark: ٣ minutes}", "'streaming.watermark' is '٣ minutes'"),
    "Arabic digits of memory": ("spark: {driver_memory: ٣g}", "'spark.driver_memory' is '٣g'"),
    "no memory": ("spark: {driver_memory: 0g}", "'spark.driver_memory' is '0g'"),
    "10^14 days": (
        "streaming: {trigger: 100000000000000 days}",
        "'streaming.trigger' is '100000000000000 days': must be",
    ),
    "a century and a day": ("streaming: {lake_trigger: 36526 days}", "must be at most 36525 days"),
    "more users than Lua passes": (
        "sessions: {fresh_users: 3001}",
        "'sessions.fresh_users' is 3001: Input should be less",
    ),
    "hours that Redis cannot add to now": ("profile: {ttl_hours: 9999999999}", "'profile.ttl_hours' is 9999999999"),
    "more than Spark's limit takes": ("sessions: {most: 3000000000}", "'sessions.most' is 3000000000"),
    "a timeout that librdkafka cannot hold": ("serving: {ack_timeout_seconds: 1e7}", "'serving.ack_timeout_seconds'"),
    "a port that is none": ("serving: {cors_origins: ['https://a:70000']}", "a port of at most 65535"),
    "a query twice": (
        "streaming: {queries: [facts, facts]}",
        "'streaming.queries' is ['facts', 'facts']: has 'facts' twice",
    ),
    "an API key twice": (
        f"serving: {{api_keys: [{{key_sha256: {SHA}, scopes: [read]}}, {{key_sha256: {SHA}, scopes: [admin]}}]}}",
        "'serving.api_keys.1' is a key that is there already",
    ),
    "a window as long as its retention": (
        "keywords: {window_minutes: 60}",
        "'keywords.window_minutes' is 60; with 'keywords.retention_minutes' 60 at most 30 (half of it)",
    ),
    "clicks awaited longer than exposures are read": (
        "ctr: {window_minutes: 1440, days: 1}",
        "'ctr.window_minutes' is 1440",
    ),
    "a block of nothing": ("keywords: {blocklist: [coat, ' \u200b']}", "'keywords.blocklist.1'"),
    "another time zone of the lake": (
        "spark: {conf: {spark.sql.session.timeZone: Asia/Seoul}}",
        "'spark.conf' sets spark.sql.session.timeZone to 'Asia/Seoul': dates of the lake are UTC",
    ),
    "a time zone that Spark does not know": (
        "rankings: {corrections: {time_zone: localtime}}",
        "is 'localtime': unknown",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_plain_or_cannot_be_is_refused_by_key(tmp_path: Path, what: str) -> None:
    text, said = REFUSED[what]
    message = refusal(tmp_path, text)
    assert said in message
    assert message.startswith("…/mine.yaml: ")


def leaves(tree: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all numbers."""
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, (*at, key))
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield at


def test_no_number_of_the_whole_configuration_is_true_or_in_other_digits_or_without_end() -> None:
    adapter, taken, places = TypeAdapter(Config), [], list(leaves(REFERENCE))
    assert len(places) > 130
    for place in places:
        tree = copy.deepcopy(REFERENCE)
        target: Any = tree
        for key in place[:-1]:
            target = target[key]
        whole = isinstance(target[place[-1]], int) and not {"weights", "search"}.intersection(place)
        whole &= place != ("profile", "half_life_minutes")
        for wrong in (True, "٣", "1_0", "nan", *([10**17] if whole else [])):
            target[place[-1]] = wrong
            try:
                adapter.validate_python(tree)
                taken.append((place, wrong))
            except ValidationError as error:
                assert error.errors()[0]["loc"] == place
    assert taken == []


def test_two_variables_do_not_give_one_key() -> None:
    for twin in ("STYLESTREAM_serving__port", "STYLESTREAM_SERVING"):
        with pytest.raises(ConfigError, match=rf"{twin}\b.* both give 'serving.port': give it once"):
            load_config(env={"STYLESTREAM_SERVING__PORT": "1", twin: "{port: 2}" if twin.endswith("G") else "2"})
    with pytest.raises(ConfigError, match="variable STYLESTREAM_ALS__WEIGHTS: key 'view' comes twice"):
        load_config(env={"STYLESTREAM_ALS__WEIGHTS": "{view: 1, view: 2}"})


def test_the_variable_that_brings_a_contradiction_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "rankings: {per_user: 4}", {"STYLESTREAM_RANKINGS__RETENTION_HOURS": "47"})
    assert message.startswith("environment variable STYLESTREAM_RANKINGS__RETENTION_HOURS: ")


def test_what_looks_like_something_else_stays_the_text_that_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kafka: {sasl_username: 010, sasl_password: 2026-01-31, topic_prefix: no}\nredis: {cluster: off}")
    config = load_config(file, {})
    kafka = config.kafka
    assert (kafka.sasl_username, kafka.sasl_password, kafka.topic_prefix) == ("010", "2026-01-31", "no")
    assert config.redis.cluster is False
    assert read_yaml("[1, -2, 1.5, 1.e3, .5, true, null, 0x1F, 1_000, yes]") == [
        *(1, -2, 1.5, 1000.0, 0.5, True, None, "0x1F", "1_000", "yes"),
    ]


def test_a_merged_map_may_be_overridden() -> None:
    assert read_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}")["b"] == {"x": 3, "y": 2}


PLANS = {
    "jobs: [{name: als, every: 1 hours, every: 2 hours}]": "key 'every' comes twice, line 1",
    "jobs: [{name: als, every: 100000000000000 days}]": "'jobs.0.every' is '100000000000000 days': must be",
    "jobs: [{name: als, every: ٣ hours}]": "'jobs.0.every' is '٣ hours'",
    "jobs: [{name: als, cron: '٣ * * * *'}]": "'jobs.0.cron' is '٣ * * * *': its digits and names must be ASCII",
}


@pytest.mark.parametrize("text", PLANS)
def test_the_schedule_is_read_likewise(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_plan(tmp_path / "plan.yaml")
    assert PLANS[text] in str(caught.value) and "\n" not in str(caught.value)
