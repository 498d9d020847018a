"""Runs the application with uvicorn: one line when it cannot, a graceful end on SIGTERM or Ctrl-C."""

import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis
import uvicorn
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from common.config import Config
from common.endpoints import kafka_servers, url_of
from common.errors import StylestreamError, UnavailableError
from common.kafka_client import producer_settings
from common.redis_client import redis_target
from serving.app import create_app
from serving.auth import refuse_open_door
from serving.connection import bounded, most_connections
from serving.workers import run_workers

GRACE_SECONDS = 3
KAFKA_SECONDS = 10
BACKLOG = 2048
GARBAGE_AFTER = 10_000  # objects
LOCK_SECONDS = 0.0005


class Server(uvicorn.Server):
    """uvicorn that returns after a signal; its own would raise the signal again and so end with an error."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        short_pauses()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(config: Config, announce: Callable[[str], object]) -> None:
    """Serves until SIGTERM or Ctrl-C, after announcing the address. `StylestreamError` when a store or the
    address cannot be had."""
    refuse_open_door(config.serving)
    check_stores(config)
    listeners = listen(config.serving.host, config.serving.port, config.serving.workers)
    port = listeners[0].getsockname()[1]
    announce(f"serving on {url_of(config.serving.host, port, config.serving.root_path)}")
    try:
        if len(listeners) > 1:
            run_workers(config, listeners, answer_on)
        else:
            answer_on(config, listeners[0])
    finally:
        for listener in listeners:
            listener.close()


def answer_on(config: Config, listener: socket.socket) -> None:
    """Answers what comes in on a listening socket until SIGTERM or Ctrl-C, in this process."""
    Server(settings(config)).run(sockets=[listener])


def settings(config: Config) -> uvicorn.Config:
    """How uvicorn is to serve the application."""
    return uvicorn.Config(
        create_app(config),
        http=bounded(most_connections()),
        timeout_keep_alive=config.serving.keep_alive_seconds,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="on",
    )


def short_pauses() -> None:
    """Python's own pauses, which every answer waits for. Call it once all is there.

    A full collection of garbage took 40 to 110 ms: what is there by now is left out of it, and it comes seldom.
    A thread that works out the past would keep the lock for 5 ms each time the loop wants it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 20, 50)
    sys.setswitchinterval(LOCK_SECONDS)


def listen(host: str, port: int, sockets: int = 1) -> list[socket.socket]:
    """Listening sockets on one address, among which the kernel shares out who connects; one line when the address is
    taken or not ours."""
    listeners: list[socket.socket] = []
    try:
        if sockets > 1:
            with _bound(host, port) as alone:  # who shares an address is not told that it is taken
                port = alone.getsockname()[1]
        for _ in range(sockets):
            listeners.append(_bound(host, port, shared=sockets > 1))
            listeners[-1].listen(BACKLOG)
    except OSError as error:
        raise StylestreamError(
            f"cannot serve on {url_of(host, port)}: {error.strerror or error}; choose another with --host and --port"
        ) from None
    return listeners


def _bound(host: str, port: int, shared: bool = False) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # named TCP explicitly: asyncio turns Nagle's delay (40 ms an answer) off on such sockets only
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(address)
    return found


def check_stores(config: Config) -> None:
    """`UnavailableError` when Redis or Kafka does not answer now."""
    target = redis_target(config)
    try:
        with target.connect() as connection:
            connection.ping()
    except redis.exceptions.RedisError as error:
        raise UnavailableError(f"Redis at {_shown(target.url)} does not answer: {error}") from None
    settings = producer_settings(config)
    del settings["enable.idempotence"]
    try:
        AdminClient({**settings, "log_level": 0}).list_topics(timeout=KAFKA_SECONDS)
    except KafkaException:
        raise UnavailableError(f"Kafka at {kafka_servers(config)} does not answer within {KAFKA_SECONDS} s") from None


def _shown(url: str) -> str:
    """The URL without its password."""
    return url.rpartition("@")[2] if "@" in url else url
