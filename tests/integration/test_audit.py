"""Every message is accounted for, whatever it was and whatever was killed meanwhile."""

import dataclasses
from pathlib import Path

import orjson

from common.audit import Account
from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target
from common.sources.lake import EVENTS
from local.audit import audited
from tests.integration.test_clocks import FAST, now_ms, send, view
from tests.platform import kill, run, running, wait_for, write_config

HOUR = 3_600_000


def read(config: Config) -> int:
    """How many messages the stream has accounted for."""
    with redis_target(config).connect() as client:
        known = client.get(Keys(config.redis.prefix).account("facts"))
    return sum(Account.read(known).end.values()) if known else 0  # type: ignore[arg-type]


def test_produced_is_counted_copies_quarantined_and_late_also_after_kill_9_in_the_middle(
    config: Config, tmp_path: Path
) -> None:
    quick = dataclasses.replace(config.streaming, lake_trigger="2 seconds", max_offsets_per_trigger=50)
    config = dataclasses.replace(config, streaming=quick)
    conf, log, start = write_config(config, tmp_path), tmp_path / "stream.log", now_ms()
    first = [(start, view(f"e-{n}", start - n)) for n in range(200)]
    odd = [b"{broken", view("two", start) + b"\n" + view("three", start), b'{"a":1,"a":2}']
    send(config, [(start, view("fast", start + FAST)), *first])
    with running(["stream", "facts", "lake"], conf, log) as process:
        wait_for("the first micro-batch", lambda: read(config) > 0, 180)
        kill(process)  # in the middle of a backlog of micro-batches of 50
    send(config, [*first[:40], *[(start, message) for message in odd]])
    with running(["stream", "facts", "lake"], conf, log):
        wait_for("what was sent", lambda: read(config) == 244, 180)
        send(config, [(start, view(f"late-{n}", start - HOUR)) for n in range(7)])
        wait_for("what is late", lambda: read(config) == 251, 120)
        audit = audited(config, wait=120).audit
        assert str(audit) == "251 produced = 201 counted + 40 copies + 3 quarantined + 7 late: balanced"
        with redis_target(config).connect() as client:
            noted = orjson.loads(client.get(Keys(config.redis.prefix).account("lake")))  # type: ignore[arg-type]
        assert sum(offset for name, offset in noted.items() if name.startswith(config.topic("behavior"))) == 251
    said = run(["audit"], conf)
    assert (said.returncode, str(audit) in said.stdout) == (0, True), said.stdout + said.stderr
    _lose_an_event(config)
    said = run(["audit", "--wait", "0"], conf)
    assert (said.returncode, "1 missing" in said.stdout) == (1, True), said.stdout + said.stderr


def _lose_an_event(config: Config) -> None:
    from deltalake import DeltaTable

    DeltaTable(f"{config.lake_path}/{EVENTS}").delete("event_id = 'e-77'")
