"""Runs Kafka and Redis of our own for what the configuration calls 'embedded'.

Servers outlive the command that starts them. Their addresses and processes stand in
`<state_dir>/run/endpoints.json` (`common.endpoints`); data and logs lie beside it and are kept.
"""

import fcntl
import json
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from common.config import Config
from common.endpoints import EMBEDDED, endpoints_file
from common.errors import MissingRequirementError, UnavailableError
from common.logs import keep_previous
from common.running import Running, running
from local import broker, redis_server
from local.process import any_port, choose_port, log_tail, port_free, stop_all, wait_until

BUSY_SECONDS = 10.0  # a server that lives may take so long to answer before it is started anew
OTHER_PORTS = 3  # tried where another process has taken the port since it was looked at
Say = Callable[[str], None]


class Launch(Protocol):
    """Starts a server on the data in `folder`, output to `log`, at the `port`; its process and its address."""

    def __call__(self, folder: Path, log: Path, port: int) -> "tuple[subprocess.Popen[bytes], str]": ...


@dataclass(frozen=True)
class Server:
    """How one kind of server is started and asked whether it is there."""

    name: str
    launch: Launch
    answers: Callable[[str, Path, int], bool]  # address, folder, process: whether that one answers there
    seconds: int
    usual_port: int


SERVERS = (
    Server("kafka", broker.launch, broker.answers, broker.START_SECONDS, broker.USUAL_PORT),
    Server("redis", redis_server.launch, redis_server.answers, redis_server.START_SECONDS, redis_server.USUAL_PORT),
)


@dataclass(frozen=True)
class State:
    """One embedded server as noted: where it is, which process it is, and whether that lives."""

    name: str
    address: str
    process: Running
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.alive


def up(config: Config, say: Say) -> list[str]:
    """Starts what is configured as embedded and not running; waits until each answers; names what it started.

    `UnavailableError` with the end of its log when one does not. Then what this call started for the first time is
    stopped; what had run before goes on, and what is noted of it stays, so that the next call finds its address.
    """
    with _lock(config):
        before = states(config)
        known = {state.name: state for state in before}
        started: list[State] = []
        try:
            for server in _wanted(config):
                state = known.get(server.name)
                folder = _folder(config, server)
                if state is not None and _answers(server, state, folder):
                    say(f"{server.name} is already up at {state.address}")
                    continue
                if state is not None:
                    say(f"{server.name} is noted but does not answer: starting it again on its data")
                    stop_all([state.process])
                known[server.name] = _begin(config, server, state, say)
                started.append(known[server.name])
                _note(config, list(known.values()))
        except BaseException:
            new = [state for state in started if state.name not in {state.name for state in before}]
            stop_all(state.process for state in new)
            _note(config, [state for state in known.values() if state not in new])
            raise
    return [state.name for state in started]


def down(config: Config, say: Say, names: Collection[str] = ("kafka", "redis"), seconds: float = 10) -> None:
    """Stops the embedded servers in `names`, cleanly; their data stays."""
    with _lock(config):
        noted = [state for state in states(config) if state.name in names]
        stop_all((state.process for state in noted), seconds)
        for state in noted:
            say(f"{state.name} at {state.address} is stopped")
        if not noted:
            say("no embedded server is running")
        _note(config, [state for state in states(config) if state.name not in names])


def states(config: Config) -> list[State]:
    """The embedded servers as noted by `up`, dead ones included."""
    try:
        noted = json.loads(endpoints_file(config.state_dir).read_text(encoding="utf-8"))
        return [
            State(name, noted[name], Running(**process), log_file(config, name))
            for name, process in noted["processes"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def crashed(config: Config) -> list[State]:
    """Those that `up` started and nobody stopped, but that are gone."""
    return [state for state in states(config) if not state.alive]


def log_file(config: Config, name: str) -> Path:
    """Where the output of one of our processes goes."""
    return Path(config.state_dir).resolve() / "logs" / f"{name}.log"


def _wanted(config: Config) -> list[Server]:
    configured = {"kafka": config.kafka.bootstrap_servers, "redis": config.redis.url}
    return [server for server in SERVERS if configured[server.name] == EMBEDDED]


def _folder(config: Config, server: Server) -> Path:
    return Path(config.state_dir).resolve() / server.name


def _answers(server: Server, state: State, folder: Path) -> bool:
    """Whether it lives and answers; one that is busy is given some time for that."""

    def settled() -> bool:
        return not state.alive or server.answers(state.address, folder, state.process.pid)

    return wait_until(settled, BUSY_SECONDS) and state.alive


def _begin(config: Config, server: Server, before: State | None, say: Say) -> State:
    """Starts a server where it was `before`, else at its usual port; at another where somebody else has that."""
    say(f"starting {server.name}")
    log = log_file(config, server.name)
    keep_previous(log)
    wished = [int(urlsplit(f"//{before.address.rpartition('//')[2]}").port or 0)] if before is not None else []
    ports = [choose_port(*wished, server.usual_port), *[any_port() for _ in range(OTHER_PORTS)]]
    for port in ports:
        state = _try(config, server, port, log)
        if state is not None:
            say(f"{server.name} is up at {state.address}")
            return state
        if port_free(port):  # it was not the port
            break
    raise UnavailableError(f"the embedded {server.name} ended: {log_tail(log)} (log: {log})")


def _try(config: Config, server: Server, port: int, log: Path) -> State | None:
    """The server at that port; None where it has ended at once."""
    folder = _folder(config, server)
    process, address = server.launch(folder, log, port)
    state = State(server.name, address, running(process.pid), log)

    def answers() -> bool:
        return server.answers(address, folder, process.pid)

    try:
        wait_until(lambda: process.poll() is not None or answers(), server.seconds)
        if process.poll() is not None:
            return None
        if not answers():
            raise UnavailableError(
                f"the embedded {server.name} does not answer after {server.seconds} s: {log_tail(log)} (log: {log})"
            )
    except BaseException:
        stop_all([state.process])
        raise
    return state


def _note(config: Config, known: list[State]) -> None:
    file = endpoints_file(config.state_dir)
    if not known:
        file.unlink(missing_ok=True)
        return
    note: dict[str, Any] = {state.name: state.address for state in known}
    note["processes"] = {state.name: asdict(state.process) for state in known}
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(note, indent=1), encoding="utf-8")
    fresh.replace(file)


@contextmanager
def _lock(config: Config) -> Iterator[None]:
    folder = endpoints_file(config.state_dir).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise MissingRequirementError(
            f"the state folder {config.state_dir} cannot be written ({error.strerror}): set state_dir"
        ) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
