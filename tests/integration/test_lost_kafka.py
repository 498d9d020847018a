"""A sender whose Kafka goes away says why its messages were not taken."""

import signal
import threading
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from cli.inputs import _done
from cli.main import stylestream
from common.config_load import load_config
from common.errors import UnavailableError
from local import produce
from local.embedded import down, states, up
from local.produce import Message, Sent
from local.topics import create_topics
from tests.conftest import for_tests
from tests.platform import write_config

pytestmark = pytest.mark.usefixtures("platform")


def test_simulate_says_why_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(produce, "FLUSH_SECONDS", 3.0)
    config = for_tests(tmp_path)
    try:
        up(config, print)
        create_topics(config)
        broker = next(state for state in states(config) if state.name == "kafka")
        killing = threading.Timer(2.0, lambda: psutil.Process(broker.process.pid).send_signal(signal.SIGKILL))
        killing.start()
        asked = ["simulate", "--seconds", "4", "--rate", "50", "--history-minutes", "0"]
        ended = CliRunner().invoke(stylestream, [*asked, "--conf", str(write_config(config, tmp_path))])
        killing.join()
    finally:
        down(config, print)
    assert isinstance(ended.exception, UnavailableError)
    assert "refused" in str(ended.exception) or "broker" in str(ended.exception).lower()
    assert "Kafka did not take" in str(ended.exception) and "\n" not in str(ended.exception)


def test_a_broker_that_only_keeps_silent_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def produce(self, *_: object, **__: object) -> None: ...
        def poll(self, _: float) -> None: ...
        def flush(self, _: float) -> int:
            return 3

    monkeypatch.setattr(produce, "connect", lambda *_: Silent())
    messages = [Message(0.0, "behavior", "k", b"v") for _ in range(3)]
    with pytest.raises(UnavailableError, match="3 of 3 messages: no acknowledgement within 20 s"):
        _done(produce.send(load_config(env={}), messages, ("behavior",)))


def test_progress_says_that_a_broker_is_gone_until_it_is_back() -> None:
    report = Sent(sent=10, acked=4, trouble="Connection refused")
    assert report.line().endswith("6 not acknowledged (Connection refused)")
    report.delivered(None, None)
    assert "acknowledged" not in report.line()
