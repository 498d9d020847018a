"""`make demo`: the whole platform in the foreground, from an empty machine to a served page and back.

What ends is started again; the exit code is 0 only where nothing had to be.

Steps: checks → jars → Kafka and Redis → topics → stream, API, input → ready → batch training → watch → stop
everything that was started. Batch comes last so that it does not keep the others from starting.
"""

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
from common.endpoints import api_address
from common.errors import MissingRequirementError, StylestreamError
from common.logs import previous
from local import doctor
from local.alone import alone
from local.children import Children, Command, DemoError
from local.embedded import Say, crashed, down, log_file, up
from local.followed import Followed
from local.inputs import Input
from local.jars import fetch
from local.process import any_port, busy
from local.reach import check_kafka, check_redis, forget_progress, note_troubles
from local.ready import not_ready
from local.spark_defaults import write_spark_defaults
from local.streams import LAKE, STREAM, stream_commands
from local.topics import create_topics

READY_SECONDS = 1200  # a machine that has much else to do takes long: a stream starts below all that is ordinary
SAID_AGAIN_SECONDS = 60
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
        self.children = Children(self.options.arguments, log_file(self.config, "x").parent, self.env)

    @property
    def address(self) -> str:
        return api_address(self.config.serving)

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
        """Starts stream, API and input. What starts soonest serves soonest: the optimising compiler took half of the
        80 s of two cores until a stream's first micro-batch, also where one that was killed is started again."""
        given, streams = self.options.input, stream_commands(self.config.streaming.queries, (STREAM, LAKE))
        self.launch(
            *[Command(name, arguments) for name, arguments in streams.items()],
            Command("serve", ["serve", "--port", str(self.config.serving.port)]),
            Command("input", given.arguments(self.has_history()), may_end=given.ends, again=given.arguments(True)),
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
        """Until /readyz is 200. `DemoError` when a process ends first, or after `READY_SECONDS`."""
        deadline, told, again = time.monotonic() + READY_SECONDS, "", 0.0
        while (lacking := not_ready(self.address)) is not None:
            self.watch()
            if self.troubles:
                raise DemoError(self.troubles[0])
            if time.monotonic() > deadline:
                raise DemoError(f"not ready after {READY_SECONDS} s: {lacking} ({busy()})")
            news, now = re.sub(r"\d+", "", lacking), time.monotonic()  # the same with other figures is no news
            if news != told or now > again:
                self.say(f"waiting: {lacking}" + (f" ({busy()})" if news == told else ""))
                told, again = news, now + SAID_AGAIN_SECONDS
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
        fine, failed = self.children.look()
        for line in fine:
            self.say(line)
        for line in failed:
            self.trouble(line)
        gone = [server for server in crashed(self.config) if server.name in self.servers]
        for server in gone:
            self.trouble(f"{server.name} has stopped: starts again (log: {previous(server.log)})")
        try:
            if gone:
                up(self.config, lambda _: None)
        except StylestreamError as error:
            self.trouble(str(error))

    def trouble(self, line: str) -> None:
        """Keeps and says what went wrong; the page shows it too."""
        self.troubles.append(line)
        self.say(f"PROBLEM: {line}")
        note_troubles(self.config, self.troubles)

    def stop(self, why: str) -> None:
        """Everything that this run started, within 15 s."""
        self.say(f"stopping: {why}")
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
    why = "it has failed"
    with alone(config), _interruptible():
        try:
            run.prepare()
            run.serve()
            run.await_ready()
            run.say(f"READY: {run.address}" + ("" if options.seconds else "  (Ctrl-C stops everything)"))
            run.children.restarts = True
            run.launch(Command("schedule", ["schedule"]))
            run.run()
            why = "the time is over"
        except KeyboardInterrupt as interrupt:
            why = str(interrupt) or "Ctrl-C"
        finally:
            _deaf()
            if run.children.running or run.servers:
                run.stop(why)
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
def _interruptible() -> Iterator[None]:
    """SIGTERM and a closed terminal interrupt like Ctrl-C."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, _: object) -> None:
        raise KeyboardInterrupt("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deaf() -> None:
    """While everything is being stopped, a second Ctrl-C does not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
