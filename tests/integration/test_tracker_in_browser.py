"""The tracker as it is served; against the real API in node, and in Chromium on the pages of a shop.

Each skips where its program is not installed. What the script does step by step: tests/unit/test_tracker.py.
"""

import dataclasses
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from common.config import Config
from local.process import wait_until
from tests.integration.conftest import Serve
from tests.integration.topic_reader import records

CHROMIUM, NODE = shutil.which("chromium"), shutil.which("node")
SECONDS = 60
PAGE = """<!doctype html><title>shop</title>
<script>
  window.stylestream = window.stylestream || function () { (stylestream.q = stylestream.q || []).push(arguments); };
  stylestream("view", {item_id: "i-1"});
  stylestream("view", {item_id: "i-2"});
  {more}
</script>
<script async src="{api}/assets/tracker.js" data-user-id="u-1" data-endpoint="{endpoint}"></script>"""

IN_NODE = """
const storage = () => ({ getItem: () => null, setItem() {}, removeItem() {} });
globalThis.window = { localStorage: storage(), sessionStorage: storage(), addEventListener() {} };
globalThis.document = { currentScript: { dataset: { userId: "u-1", endpoint: ENDPOINT } }, addEventListener() {} };
TRACKER
window.stylestream("view", { item_id: "i-1" });
window.stylestream("view", { item_id: "i-2" });
"""


def test_the_tracker_is_small_kept_by_browsers_and_for_every_page(api: httpx.Client) -> None:
    answer = api.get("/assets/tracker.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert 1000 < len(answer.content) <= 3072
    assert "\n//" not in answer.text and "\n " not in answer.text


class Shop(ThreadingHTTPServer):
    """A shop's pages; its /events hands on to the API, but what it answers first is `faults`."""

    def __init__(self, api: httpx.Client, faults: list[int], more: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.api, self.faults, self.posts = api, faults, 0
        self.page, self.more = "", more

    def show(self, endpoint: str) -> None:
        page = PAGE.replace("{api}", str(self.api.base_url).rstrip("/")).replace("{more}", self.more)
        self.page = page.replace("{endpoint}", endpoint)


class Handler(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        page = self.server.page if self.path == "/" else "<!doctype html><title>left</title>"
        self._answer(200, page.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        taken = self.server.api.post("/v1/events", content=body)
        self.server.posts += 1
        self._answer(self.server.faults.pop(0) if self.server.faults else taken.status_code, taken.content)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def browsing(address: str, profile: Path) -> Iterator[None]:
    """A headless Chromium on a page, until the block ends."""
    quiet = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command = [str(CHROMIUM), *quiet, f"--user-data-dir={profile}", "--remote-debugging-port=0", address]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()


@contextmanager
def a_shop(api: httpx.Client, faults: list[int], more: str = "") -> Iterator[Shop]:
    shop = Shop(api, faults, more)
    thread = threading.Thread(target=shop.serve_forever)
    thread.start()
    try:
        yield shop
    finally:
        shop.shutdown()
        thread.join()
        shop.server_close()


def views(config: Config) -> Counter[str]:
    return Counter(value["item_id"] for _, value in records(config, "behavior"))


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_in_node_views_are_counted_once_though_the_first_post_fails(config: Config, serve: Serve) -> None:
    api = serve(config)
    with a_shop(api, [503, 429]) as shop:
        script = IN_NODE.replace("ENDPOINT", f'"{shop.address}/events"')
        script = script.replace("TRACKER", api.get("/assets/tracker.js").text)
        done = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, timeout=SECONDS, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert shop.posts == 3
    assert views(config) == {"i-1": 1, "i-2": 1}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_in_chromium_views_are_counted_once_though_the_first_post_fails(
    config: Config, serve: Serve, tmp_path: Path
) -> None:
    api = serve(config)
    with a_shop(api, [503]) as shop:
        shop.show(f"{shop.address}/events")
        with browsing(f"{shop.address}/", tmp_path / "profile"):
            assert wait_until(lambda: shop.posts >= 2, SECONDS, every=0.1)
        assert views(config) == {"i-1": 1, "i-2": 1}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_in_chromium_a_page_that_is_left_at_once_loses_nothing(config: Config, serve: Serve, tmp_path: Path) -> None:
    with a_shop(serve(config), [], 'addEventListener("load", function () { location.href = "/left"; });') as shop:
        shop.show(f"{shop.address}/events")
        with browsing(f"{shop.address}/", tmp_path / "profile"):
            assert wait_until(lambda: shop.posts >= 1, SECONDS, every=0.1)
        assert views(config) == {"i-1": 1, "i-2": 1}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_in_chromium_a_page_of_another_origin_sends_straight_to_the_api(
    config: Config, serve: Serve, tmp_path: Path
) -> None:
    with a_shop(serve(config), []) as shop:
        serving = dataclasses.replace(config.serving, cors_origins=[shop.address])
        shop.api = serve(dataclasses.replace(config, serving=serving))
        shop.show(f"{str(shop.api.base_url).rstrip('/')}/v1/events")
        with browsing(f"{shop.address}/", tmp_path / "profile"):
            assert wait_until(lambda: sum(views(config).values()) >= 2, SECONDS, every=0.5)
        assert views(config) == {"i-1": 1, "i-2": 1}
