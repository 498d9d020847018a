"""The API as its callers meet it: a real uvicorn in a thread, on a free port."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvicorn

from common.config import Config
from local.process import wait_until
from serving import past, ranked
from serving.routes import rankings
from serving.server import listen, settings

Serve = Callable[[Config], httpx.Client]


@contextlib.contextmanager
def served(config: Config) -> Iterator[httpx.Client]:
    """A client of an API that runs while the block does."""
    (listener,) = listen("127.0.0.1", 0)
    server = uvicorn.Server(settings(config))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert wait_until(lambda: server.started or not thread.is_alive(), 10, every=0.01)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


@pytest.fixture(autouse=True)
def rankings_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test looks at what it has just written; shoppers may see a ranking of 50 ms ago, factors of a second ago,
    and on a busy machine one without changes."""
    monkeypatch.setattr(rankings, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(ranked, "FACTORS_SECONDS", 0.0)
    monkeypatch.setattr(past, "CHANGE_SECONDS", 20.0)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a configuration until the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda config: stack.enter_context(served(config))


@pytest.fixture
def api(config: Config, serve: Serve) -> httpx.Client:
    """The API of this test's own platform."""
    return serve(config)
