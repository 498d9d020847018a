"""A platform of a measurement's own: embedded Kafka and Redis and our commands, all in a temporary folder.

What runs already is left alone: the configuration's servers, folders and port are replaced, and variables that
would bring them back do not reach the processes. All that was started is stopped at the end, also after an
error, Ctrl-C or SIGTERM.
"""

import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from common.config import Config
from common.config_load import ENV_PREFIX, NOT_CONFIG
from common.endpoints import EMBEDDED
from common.errors import UnavailableError
from common.running import running
from local.embedded import Say, down, up
from local.process import any_port, at_its_priority, log_tail, stop_all
from local.topics import create_topics

STOP_SECONDS = 20
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Ask:
    """What is to be measured. `running`: the configuration's own platform; `data`: a data set's file; `lists`: hourly
    hot lists; `ratings`: a file of `bench.ratings`; `train`, `test`: files of `bench.next_item`."""

    config: Config
    quick: bool
    running: bool
    data: Path | None
    say: Say
    lists: Path | None = None
    ratings: Path | None = None
    train: Path | None = None
    test: Path | None = None


@dataclass
class Stack:
    """A running platform and the commands started on it."""

    config: Config
    folder: Path
    say: Say
    processes: "list[tuple[str, subprocess.Popen[bytes], Path]]" = field(default_factory=list)

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Starts `stylestream <arguments>` with a log of its own."""
        name = " ".join(arguments)
        self.say(f"starting {name}")
        log = self.folder / f"{len(self.processes)}-{arguments[0]}.log"
        command = [sys.executable, "-m", "cli.main", *arguments, "--conf", str(self.folder / "config.yaml")]
        with log.open("wb") as out:
            process = subprocess.Popen(
                at_its_priority(arguments, command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env=_environment(),
            )
        self.processes.append((name, process, log))
        return process

    def run(self, *arguments: str, seconds: float = 600) -> None:
        """Runs `stylestream <arguments>` to its end."""
        process = self.start(*arguments)
        self.wait(f"end of {arguments[0]}", lambda: process.poll() is not None, seconds)

    def wait(self, what: str, condition: Callable[[], bool], seconds: float, every: float = 0.1) -> None:
        """Until the condition holds; `UnavailableError` when a command fails before, or after `seconds`."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                logs = "; ".join(f"{name}: {log_tail(log, 1)}" for name, _, log in self.processes)
                raise UnavailableError(f"the measurement waited {seconds:.0f} s in vain for {what} ({logs})")
            time.sleep(every)
        self.check()

    def pause(self, seconds: float) -> None:
        """So long, while the commands go on well."""
        until = time.monotonic() + seconds
        self.wait(f"{seconds:.0f} s to pass", lambda: time.monotonic() >= until, seconds + 5)

    def check(self) -> None:
        """`UnavailableError` with the end of its log when a command has failed."""
        for name, process, log in self.processes:
            if process.poll():
                raise UnavailableError(f"'{name}' ended with {process.returncode}: {log_tail(log)}")

    def stop(self) -> None:
        """Stops all commands."""
        stop_all((running(process.pid) for _, process, _ in self.processes if process.poll() is None), STOP_SECONDS)


@contextmanager
def running_stack(config: Config, say: Say, *commands: list[str]) -> Iterator[Stack]:
    """Kafka, Redis and topics are there, `commands` are started; all of it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name, _signals():
        stack = Stack(own(config, Path(name)), Path(name), say)
        text = yaml.safe_dump(stack.config.as_tree())
        (stack.folder / "config.yaml").write_text(text, encoding="utf-8")
        try:
            up(stack.config, say)
            create_topics(stack.config)
            for command in commands:
                stack.start(*command)
            yield stack
        finally:
            for number in SIGNALS:  # a second Ctrl-C does not leave half of it running
                signal.signal(number, signal.SIG_IGN)
            say("stopping what was started")
            stack.stop()
            down(stack.config, lambda _: None)


def own(config: Config, folder: Path) -> Config:
    """The configuration with servers, paths and port of the measurement's own."""
    ssl = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")
    plain = dict.fromkeys(("sasl_mechanism", "sasl_username", "sasl_password", *ssl), "")
    kafka = dataclasses.replace(
        config.kafka,
        **plain,  # type: ignore[arg-type]
        bootstrap_servers=EMBEDDED,
        topic_prefix=f"{folder.name}.",  # a stranger's producer that finds our broker's port misses our topics and keys
        security_protocol="PLAINTEXT",
        replication_factor=1,
    )
    return dataclasses.replace(
        config,
        state_dir=str(folder / "state"),
        lake_path=str(folder / "lake"),
        checkpoint_path=str(folder / "checkpoints"),
        kafka=kafka,
        redis=dataclasses.replace(config.redis, url=EMBEDDED, prefix=folder.name, cluster=False, ssl_cafile=""),
        spark=dataclasses.replace(config.spark, local_files=True),
        serving=dataclasses.replace(config.serving, host="127.0.0.1", port=any_port(), api_keys=[]),
    )


def _environment() -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name in NOT_CONFIG}
    return {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)} | given


@contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and a closed terminal interrupt like Ctrl-C."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
