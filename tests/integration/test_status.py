"""`stylestream status`: servers, queries, the live model and the API, a line each; its exit code."""

import dataclasses
import time
from pathlib import Path

import orjson
import pytest
import redis
from click.testing import CliRunner

from cli.main import stylestream
from common.config import Config
from common.keys import Keys
from common.models.canary import Canary
from local import doctor
from local.process import any_port
from local.status import progress
from tests.integration.conftest import Serve
from tests.integration.own_redis import OwnRedis
from tests.platform import write_config

REPORT = {"query": "facts", "written_at_ms": 100_000, "progress_at_ms": 93_000, "batch_id": 12, "rows": 340}


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "batch 12, 340 rows, 8 s ago"),
        ({"progress_at_ms": None}, "batch 12, 340 rows, 1 s ago"),
        ({"progress_at_ms": 200_000}, "batch 12, 340 rows, 0 s ago"),
        ({"failures": 3}, "batch 12, 340 rows, 8 s ago, failed 3 times in a row"),
    ],
)
def test_a_report_is_one_line(more: dict[str, object], line: str) -> None:
    assert progress(orjson.dumps(REPORT | more), 101_500) == line


def status(config: Config, folder: Path) -> tuple[int, dict[str, str]]:
    said = CliRunner().invoke(stylestream, ["status", "--conf", str(write_config(config, folder))])
    lines = [line.split(maxsplit=1) for line in said.output.splitlines()]
    assert [name for name, _ in lines] == ["kafka", "redis", "facts", "lake", "catalog", "model", "api"]
    return said.exit_code, dict(lines)  # type: ignore[arg-type]


def test_every_part_has_a_line(config: Config, redis_conn: redis.Redis, serve: Serve, tmp_path: Path) -> None:
    port = serve(config).base_url.port
    config = dataclasses.replace(config, serving=dataclasses.replace(config.serving, port=port))
    code, said = status(config, tmp_path)
    assert (code, said["model"]) == (0, "none is live yet")
    assert said["facts"].startswith("not running")
    assert said["api"].startswith(f"not ready at http://127.0.0.1:{port}: stream no report")

    keys, now = Keys(config.redis.prefix), time.time_ns() // 1_000_000
    report = REPORT | {"written_at_ms": now, "progress_at_ms": now, "rows_per_second": 1, "batch_ms": 1, "late_rows": 0}
    redis_conn.set(keys.progress("facts"), orjson.dumps(report), ex=60)
    redis_conn.set(keys.live_model, "20260301T000000")
    redis_conn.set(keys.canary, Canary("20260302T000000", 0.1).dump())
    code, said = status(config, tmp_path)
    assert (code, said["model"]) == (0, "version 20260301T000000 is live, canary 20260302T000000 for 10 % of the users")
    assert said["facts"].startswith("batch 12, 340 rows, ")
    assert said["lake"].startswith("not running")
    assert said["api"] == f"ready at http://127.0.0.1:{port}"


def test_a_redis_that_evicts_or_refuses_is_told_with_the_cure(config: Config, tmp_path: Path) -> None:
    server = OwnRedis()
    server.start()
    try:
        config = dataclasses.replace(config, redis=dataclasses.replace(config.redis, url=server.url))
        assert "warning" not in status(config, tmp_path)[1]["redis"]
        assert all(finding.ok for finding in doctor.stored(config))
        connection = redis.Redis.from_url(server.url)
        connection.config_set("maxmemory-policy", "volatile-lru")
        for said in (status(config, tmp_path)[1]["redis"], str(*doctor.stored(config))):
            assert "maxmemory-policy is volatile-lru" in said
            assert "set maxmemory-policy noeviction" in said
        connection.config_set("maxmemory-policy", "noeviction")
        connection.config_set("maxmemory", 1)
        assert "Redis refuses writes: its memory is full" in status(config, tmp_path)[1]["redis"]
        assert not doctor.stored(config)[0].ok
    finally:
        server.kill()
    assert "does not answer" in str(*doctor.stored(config))


def test_without_redis_the_rest_is_told_and_the_exit_code_is_4(config: Config, tmp_path: Path) -> None:
    gone = dataclasses.replace(config.redis, url=f"redis://127.0.0.1:{any_port()}/0")
    off = dataclasses.replace(config.serving, port=any_port())
    code, said = status(dataclasses.replace(config, redis=gone, serving=off), tmp_path)
    assert code == 4
    assert said["kafka"].startswith("up at ")
    assert said["facts"] == said["model"] == "unknown: Redis does not answer"
    assert said["api"].endswith("the API does not answer yet")
