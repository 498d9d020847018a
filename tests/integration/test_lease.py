"""One writer at a time: the second is refused, a crashed one gives way, and a paused one writes nothing more."""

import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator

import orjson
import pytest
import redis

from common import lease as module
from common.config import Config
from common.errors import StylestreamError, UnavailableError
from common.keys import Keys
from common.lease import Holder, Lease, held
from common.running import running
from local.process import wait_until
from streaming import account
from tests.integration.item_rows import write_rows
from tests.integration.own_redis import OwnRedis

ROW = ("item", 29_000_000, "bags", "i", "", False)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.6)
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)


@pytest.fixture
def dead() -> Iterator[Holder]:
    """A process of this machine that has ended, with time to come on its lease."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        created = running(process.pid).created
    yield dataclasses.replace(Holder.this_process(), pid=process.pid, created=created)


def stands(client: redis.Redis, config: Config) -> dict[bytes, bytes]:
    return client.hgetall(Keys(config.redis.prefix).item_fact(ROW[1]))  # type: ignore[return-value]


def value(views: int) -> tuple[object, ...]:
    return (*ROW, ",".join([str(views)] * 4) + f"|{views},0,0,0,0,0,0,0,0,0")


def test_the_second_is_refused_and_told_who_holds_it(config: Config, redis_conn: redis.Redis) -> None:
    with held(config, "stream facts"):
        began = time.monotonic()
        with pytest.raises(StylestreamError, match=r"'stream facts' is running already: process \d+ on .* since 20"):
            Lease(config, "stream facts").take()
        assert time.monotonic() - began < 2
        with held(config, "stream lake"):  # another writer
            pass
    with held(config, "stream facts"):  # given back
        pass


def test_a_refused_renewal_comes_again_on_a_new_connection_and_loses_nothing(config: Config) -> None:
    """After a failover the name leads to another server, which only a new connection finds."""
    server = OwnRedis()
    server.start()
    try:
        connection = redis.Redis.from_url(server.url)
        lease = Lease(
            dataclasses.replace(config, redis=dataclasses.replace(config.redis, url=server.url)), "stream facts"
        )
        lease.take()
        before = lease._client.client_id()
        connection.replicaof("127.0.0.1", 1)
        lease.renew()
        lease.check()
        with pytest.raises(UnavailableError, match=r"^Redis refuses writes: it is a read-only replica$"):
            Lease(lease.config, "stream lake").take()
        assert lease._client.client_id() != before
        connection.replicaof("NO", "ONE")
        lease.renew()
        lease.check()
    finally:
        server.kill()


def test_a_dead_holder_of_this_machine_gives_way_at_once(
    config: Config, redis_conn: redis.Redis, dead: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 3600.0)
    key = Keys(config.redis.prefix).writer("lease", "batch als")
    redis_conn.set(key, orjson.dumps(dataclasses.asdict(dead)), px=3_000_000)
    began = time.monotonic()
    Lease(config, "batch als").take()
    assert time.monotonic() - began < 2


def test_what_a_paused_writer_still_has_to_write_is_refused_after_another_has_begun(
    config: Config, redis_conn: redis.Redis
) -> None:
    paused = Lease(config, "stream facts")
    paused.take()
    write_rows(paused.config, [value(1)])
    with held(config, "stream facts") as successor:  # after the pause was longer than the lease
        write_rows(successor.config, [value(7)])
        before = stands(redis_conn, config)
        for rows in ([value(3)], [("query", ROW[1], "", "coat", "u", False, "1")], [user_row()]):
            with pytest.raises(redis.ResponseError, match="FENCED"):
                write_rows(paused.config, rows)
        assert stands(redis_conn, config) == before
        with pytest.raises(redis.ResponseError, match="FENCED"):
            account.write(redis_conn, paused.config, "facts", {"t/0": 3})
        assert not redis_conn.exists(Keys(config.redis.prefix).account("facts"))
        account.write(redis_conn, successor.config, "facts", {"t/0": 3})
        assert redis_conn.get(Keys(config.redis.prefix).account("facts")) == b'{"t/0":3}'
        paused.renew()
        with pytest.raises(StylestreamError, match="is written by another now: process"):
            paused.check()
        paused.give_back()
        successor.renew()
        successor.check()
        write_rows(successor.config, [value(8)])
    write_rows(config, [value(9)])  # who holds no lease, a repair by hand, may write
    assert b"9,0" in next(iter(stands(redis_conn, config).values()))


def user_row() -> tuple[object, ...]:
    return ("user", ROW[1], "bags", "i", "u", False, f"1,0,0,0,0,0,0,0,0|{ROW[1] * 60_000}|9.0")


def test_after_redis_was_emptied_the_holder_still_is_the_only_one(config: Config, redis_conn: redis.Redis) -> None:
    with held(config, "stream facts") as holder:
        keys = Keys(config.redis.prefix)
        redis_conn.delete(keys.writer("lease", "stream facts"), keys.writer("fence", "stream facts"))
        write_rows(holder.config, [value(1)])
        holder.renew()
        with pytest.raises(StylestreamError, match="running already"):
            Lease(config, "stream facts").take()
        holder.check()


def test_who_loses_the_lease_is_told(config: Config, redis_conn: redis.Redis) -> None:
    told: list[str] = []
    with held(config, "schedule", lambda: told.append("lost")) as holder:
        redis_conn.set(Keys(config.redis.prefix).writer("fence", "schedule"), 2**52)
        assert wait_until(lambda: bool(told), 5, every=0.02)
        assert told == ["lost"]
        with pytest.raises(StylestreamError, match="written by another now"):
            holder.check()
    assert redis_conn.get(Keys(config.redis.prefix).writer("fence", "schedule")) == str(2**52).encode()
