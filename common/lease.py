"""One writer at a time: a lease in Redis, and a token that fences off who has lost it.

Who starts takes the lease `P:lease:<name>`, with a token larger than any before, kept in `P:fence:<name>`. A thread
renews it; after a crash it ends by itself within `SECONDS`, and at once where the holder was on this machine and is
dead. Every write carries the token (`common.sinks.scripts.fenced`), so that a process which was paused, or whose lease
ended unnoticed, cannot write over what its successor wrote (Kleppmann, "How to do distributed locking", 2016).
After Redis was emptied the holder takes its lease again.
"""

import dataclasses
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
import redis

from common.config import Config
from common.errors import StylestreamError, UnavailableError
from common.fence import Fence
from common.keys import Keys
from common.redis_client import loading, redis_target, trouble
from common.running import Running, running
from common.sinks.scripts import lua

SECONDS = 6.0
RENEW_SECONDS = 2.0
LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: a process by machine, number and start (`common.running`), since when (text, UTC)."""

    host: str
    pid: int
    created: float
    since: str

    @classmethod
    def this_process(cls) -> "Holder":
        """We, now."""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        me = running(os.getpid())
        return cls(_machine(), me.pid, me.created, since)

    @property
    def is_dead(self) -> bool:
        """Whether it ran on this machine and runs no more; False where that cannot be known."""
        return self.host == _machine() and not Running(self.pid, self.created).alive

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host.partition('/')[0]} since {self.since}"


class Lease:
    """The right to write as `name`, once `take` has returned. `config` is the configuration whose writes show it."""

    def __init__(self, config: Config, name: str) -> None:
        keys = Keys(config.redis.prefix)
        self.name = name
        self._client = redis_target(config).connect()
        self._keys = [keys.writer("lease", name), keys.writer("fence", name)]
        self._me = orjson.dumps(dataclasses.asdict(Holder.this_process()))
        self._config = config
        self._token = ""
        self._lost_to = ""
        self._over = threading.Event()

    @property
    def config(self) -> Config:
        """With the fence of this lease."""
        return dataclasses.replace(self._config, fence=Fence(self._keys[1], self._token))

    def take(self) -> None:
        """Takes the lease; waits for one that is no longer renewed to end, and for a Redis that loads its data.
        `StylestreamError` that names the holder where it is renewed, `UnavailableError` where Redis does not answer or
        refuses."""
        left, dead = SECONDS * 1000, b""
        while not self._token:
            try:
                token, standing, now_left = self._call("lease_take", dead)
            except redis.RedisError as error:
                if loading(error):
                    time.sleep(LOOK_SECONDS)
                    continue
                raise UnavailableError(trouble(error)) from error
            self._token = token.decode()
            if standing:
                holder = Holder(**orjson.loads(standing))
                if now_left > left:
                    raise StylestreamError(f"'{self.name}' is running already: {holder}; stop it first")
                left, dead = now_left, standing if holder.is_dead else b""
                time.sleep(0 if dead else LOOK_SECONDS)

    def renew(self) -> None:
        """Once; notes where another has taken over."""
        try:
            lost, holder, _ = self._call("lease_renew", self._token)
        except redis.RedisError:  # nobody else can take it meanwhile
            self._client.close()  # that server may be a replica now: the next connection looks its name up again
            return
        if lost:
            self._lost_to = str(Holder(**orjson.loads(holder))) if holder else "a later one, which has ended"

    def keep(self, on_lost: Callable[[], object]) -> None:
        """Renews until `give_back`, or until the lease is lost."""
        while not self._lost_to and not self._over.wait(RENEW_SECONDS):
            self.renew()
        if self._lost_to:
            on_lost()

    def check(self) -> None:
        """`StylestreamError` where another has taken over."""
        if self._lost_to:
            raise StylestreamError(f"'{self.name}' is written by another now: {self._lost_to}; this one ends")

    def give_back(self) -> None:
        """So that the next can start at once."""
        self._over.set()
        with suppress(redis.RedisError):
            self._call("lease_give_back", self._token)
        self._client.close()

    def _call(self, script: str, argument: str | bytes) -> tuple[bytes, bytes, int]:
        arguments = [argument, self._me, int(SECONDS * 1000), time.time_ns() // 1_000_000]
        answer: tuple[bytes, bytes, int] = tuple(self._client.register_script(lua(script))(self._keys, arguments))
        return answer


@contextmanager
def held(config: Config, name: str, on_lost: Callable[[], object] = lambda: None) -> Iterator[Lease]:
    """The lease `name` for as long as the block runs; `on_lost` is called in a thread where another takes over."""
    lease = Lease(config, name)
    lease.take()
    keeper = threading.Thread(target=lease.keep, args=[on_lost], name=f"lease {name}", daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        lease.give_back()


def _machine() -> str:
    """The machine's name and, where the system tells, its start and the space its process numbers are of: names are
    used again, and containers may share one."""
    boot, numbers = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [boot.read_text().strip() if boot.exists() else "", str(numbers.readlink()) if numbers.is_symlink() else ""]
    return "/".join([platform.node(), *parts])
