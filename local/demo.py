"""`make demo`: the whole platform in the foreground, from an empty machine to a served page and back.

Steps: checks → jars → Kafka and Redis → topics → stream, API, input → ready → batch training → watch → stop
everything that was started. Batch comes last so that it does not keep the others from starting.
"""

import fcntl
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from common.config import Config
from common.config_load import load_config
from common.endpoints import endpoints_file
from common.errors import MissingRequirementError
from local import doctor
from local.children import Children, Command, DemoError
from local.embedded import Say, crashed, down, log_file, up
from local.followed import Followed
from local.inputs import Input
from local.jars import fetch
from local.process import any_port, log_tail
from local.reach import check_kafka, check_redis, forget_progress
from local.ready import not_ready
from local.spark_defaults import write_spark_defaults
from local.streams import stream_commands
from local.topics import create_topics

READY_SECONDS = 360
UNFIT_SECONDS = 45
CHILD_SECONDS = 6  # with what stopping by force may take, less than 15 s in all
SERVER_SECONDS = 3


@dataclass(frozen=True)
class Options:
    """What was asked for. `seconds` counts from when the platform is ready; None means until interrupted."""

    input: Input
    arguments: list[str]  # --conf and --debug, for the processes we start
    conf: str | None = None
    port: int | None = None
    seconds: float | None = None
    state: str | None = None

    def environment(self) -> dict[str, str]:
        """Variables that make every process use this state folder and this input's watermark."""
        found = self.input.environment()
        if self.state is not None:
            folder = Path(self.state).resolve()
            found["STYLESTREAM_STATE_DIR"] = str(folder)
            found["STYLESTREAM_LAKE_PATH"] = str(folder / "lake")
            found["STYLESTREAM_CHECKPOINT_PATH"] = str(folder / "checkpoints")
        if self.port is not None:
            found["STYLESTREAM_SERVING__PORT"] = str(self.port or any_port())
        return found


@dataclass
class Demo:
    """One run: what it has started, and what went wrong."""

    options: Options
    config: Config
    env: dict[str, str]
    say: Say
    children: Children = field(init=False)
    servers: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.children = Children(self.options.arguments, log_file(self.config, "x").parent, self.env, [])

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.config.serving.port}"

    def prepare(self) -> None:
        """The machine is fit, the jars are there, Kafka and Redis answer, the topics exist."""
        check(self.config, self.say)
        fetch(self.say)
        write_spark_defaults()
        self.servers = up(self.config, self.say)
        self.say(f"kafka answers at {check_kafka(self.config)}, redis at {check_redis(self.config)}")
        forget_progress(self.config)
        made = [topic.name for topic in create_topics(self.config) if topic.created]
        self.say(f"topics created: {', '.join(made)}" if made else "topics exist")

    def serve(self) -> None:
        """Starts stream, API and input."""
        self.launch(
            *[Command(name, given) for name, given in stream_commands(self.config.streaming.queries).items()],
            Command("serve", ["serve", "--port", str(self.config.serving.port)]),
            Command("input", self.options.input.arguments(self.has_history()), may_end=self.options.input.ends),
        )

    def has_history(self) -> bool:
        """Whether an earlier run has left events: then the simulator goes on live."""
        return Path(self.config.lake_path, "events").exists()

    def launch(self, *commands: Command) -> None:
        """Starts commands, each with a log of its own."""
        for command in commands:
            log = self.children.start(command)
            self.say(f"starting {' '.join(command.arguments)} (log: {log})")

    def await_ready(self) -> None:
        """Until /readyz is 200. `DemoError` when a process ends first, or after six minutes."""
        deadline, told = time.monotonic() + READY_SECONDS, ""
        while (lacking := not_ready(self.address)) is not None:
            self.watch()
            if self.troubles:
                raise DemoError(self.troubles[0])
            if time.monotonic() > deadline:
                raise DemoError(f"not ready after {READY_SECONDS} s: {lacking}")
            if (news := re.sub(r"\d+", "", lacking)) != told:  # the same with other figures is no news
                told = news
                self.say(f"waiting: {lacking}")
            time.sleep(0.5)

    def run(self) -> None:
        """Watches until the time is over; without a time, until interrupted."""
        began = fit = time.monotonic()
        batch = Followed(log_file(self.config, "schedule"))
        while self.options.seconds is None or time.monotonic() - began < self.options.seconds:
            self.watch()
            for line in batch.news():
                self.say(line.partition(" ")[2])  # without the time: ours is there
            lacking = not_ready(self.address)
            now = time.monotonic()
            if lacking is None:
                fit = now
            elif now - fit > UNFIT_SECONDS:
                self.trouble(f"not fit to serve for {UNFIT_SECONDS} s: {lacking}")
                fit = now
            time.sleep(1.0)
        if (lacking := not_ready(self.address)) is not None:
            self.trouble(f"not fit to serve at the end: {lacking}")

    def watch(self) -> None:
        """Says which process or server has ended since the last look."""
        fine, failed = self.children.ended()
        for line in fine:
            self.say(line)
        for line in failed:
            self.trouble(line)
        for server in crashed(self.config):
            line = f"{server.name} has stopped: {log_tail(server.log)} (log: {server.log})"
            if server.name in self.servers and line not in self.troubles:
                self.trouble(line)

    def trouble(self, line: str) -> None:
        """Keeps and says what went wrong."""
        self.troubles.append(line)
        self.say(f"PROBLEM: {line}")

    def stop(self) -> None:
        """Everything that this run started, within 15 s."""
        self.say("stopping")
        self.children.stop(CHILD_SECONDS)
        if self.servers:
            down(self.config, self.say, self.servers, SERVER_SECONDS)
        self.say("everything is stopped")


def demo(options: Options, say: Say) -> int:
    """Runs the demo; its exit code. One clear error when the machine or a part is not fit."""
    env = options.environment()
    config = load_config(options.conf, {**os.environ, **env})
    began = time.monotonic()
    run = Demo(options, config, env, lambda line: say(f"[{time.monotonic() - began:5.0f} s] {line}"))
    with _alone(config), _interruptible():
        try:
            run.prepare()
            run.serve()
            run.await_ready()
            run.say(f"READY: {run.address}" + ("" if options.seconds else "  (Ctrl-C stops everything)"))
            run.launch(Command("schedule", ["schedule"]))
            run.run()
        except KeyboardInterrupt:
            run.troubles.clear()
        finally:
            _deaf()
            if run.children.running or run.servers:
                run.stop()
    return 1 if run.troubles else 0


def check(config: Config, say: Say) -> None:
    """`MissingRequirementError` for the first thing that this machine lacks."""
    state = Path(config.state_dir)
    for finding in (
        doctor.python(),
        doctor.java(),
        doctor.packages(),
        doctor.disk(state),
        doctor.api_port(config),
    ):
        if not finding.ok:
            raise MissingRequirementError(str(finding))
    memory = doctor.memory()
    say("this machine is fit" if memory.ok else f"going on, but {memory}")


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    file = endpoints_file(config.state_dir).with_name("demo.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise MissingRequirementError(
            f"a demo is already running on {config.state_dir}: stop it, or choose another folder (STATE=…)"
        ) from None


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and a closed terminal interrupt like Ctrl-C."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deaf() -> None:
    """While everything is being stopped, a second Ctrl-C does not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
