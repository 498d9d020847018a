"""Other commands know where the running demo's API is, and an API of ours from whatever else holds a port."""

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from common.config import Config
from common.config_load import load_config
from common.errors import MissingRequirementError
from local import alone as noted
from local import doctor, status
from local.alone import alone, demo_address
from local.process import any_port

OURS, OTHERS = b'{"alive":true}', b"<html>fine</html>"


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """The port of a server that answers everything with 200 and `body`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def on(folder: Path, port: int) -> Config:
    config = load_config(env={"STYLESTREAM_STATE_DIR": str(folder)})
    return dataclasses.replace(config, serving=dataclasses.replace(config.serving, port=port))


def test_while_a_demo_runs_its_address_is_known_whatever_is_configured(tmp_path: Path) -> None:
    configured = on(tmp_path, 8000)
    assert demo_address(configured) is None
    with alone(on(tmp_path, 8055)):
        assert demo_address(configured) == "http://127.0.0.1:8055"


def test_a_second_demo_is_refused_and_leaves_the_note(tmp_path: Path) -> None:
    with alone(on(tmp_path, 8055)):
        with pytest.raises(MissingRequirementError, match="already running on"), alone(on(tmp_path, 8056)):
            pass
        assert demo_address(on(tmp_path, 8000)) == "http://127.0.0.1:8055"


def test_a_demo_that_was_killed_is_not_taken_for_running(tmp_path: Path) -> None:
    file = noted._file(on(tmp_path, 8000))
    file.parent.mkdir(parents=True)
    for text in ("", "{", '{"api": "http://x:1", "process": {"pid": 1, "created": 1.0}}', "[]"):
        file.write_text(text)
        assert demo_address(on(tmp_path, 8000)) is None


def test_doctor_and_status_ask_the_demo_where_it_is(tmp_path: Path) -> None:
    with answering(OURS) as port, alone(on(tmp_path, port)):
        configured = on(tmp_path, any_port())
        finding = doctor.api(configured)
        assert (finding.ok, finding.name) == (True, f"port {port}") and "our API answers" in finding.what
        assert dict(status.parts(configured))["api"] == f"ready at http://127.0.0.1:{port}"


def test_a_port_that_our_api_holds_is_not_called_busy(tmp_path: Path) -> None:
    with answering(OURS) as port:
        finding = doctor.api(on(tmp_path, port))
        assert finding.ok and f"http://127.0.0.1:{port}" in finding.what
        assert not doctor.api_port(on(tmp_path, port)).ok  # a demo that begins does need it


def test_a_port_that_somebody_else_answers_on_is_busy(tmp_path: Path) -> None:
    with answering(OTHERS) as port:
        finding = doctor.api(on(tmp_path, port))
        assert not finding.ok and "busy" in finding.what


def test_a_free_port_is_free(tmp_path: Path) -> None:
    assert "free" in doctor.api(on(tmp_path, any_port())).what
