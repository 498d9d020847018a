"""Where the API is: below a sub-path behind a proxy that takes it off or leaves it in, and on an IPv6 address."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import httpx
import pytest

from common.config import Config
from common.config_load import load_config
from common.endpoints import api_address, url_of
from common.errors import ConfigError, StylestreamError
from common.running import Running, running
from local.process import any_port, port_free, start, stop_all, wait_until
from serving import server
from tests.integration.conftest import Serve
from tests.platform import write_config


def below(config: Config, root: str = "/shop/style", **more: object) -> Config:
    return dataclasses.replace(config, serving=dataclasses.replace(config.serving, root_path=root, **more))


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_a_page_finds_all_it_links_to_below_the_sub_path(config: Config, serve: Serve, page: str) -> None:
    api = serve(below(config))
    text = api.get(f"/shop/style{page}").text
    links = re.findall(r'(?:href|src)="([^"]+)"', text)
    assert len(links) >= 4 and all(link.startswith("/shop/style/") for link in links)
    assert [link for link in links if api.get(link).status_code != 200] == []
    assert api.get(page).text == text  # the proxy has taken the sub-path off


def test_scripts_ask_below_where_they_come_from(config: Config, serve: Serve) -> None:
    api = serve(below(config))
    for name in ("page.js", "docs.js"):
        script = api.get(f"/shop/style/assets/{name}").text
        assert 'new URL("..", document.currentScript.src)' in script
        assert re.findall(r"""fetch\(["'`]/""", script) == []


@pytest.mark.parametrize("start", ["", "/shop/style", "/sh%6Fp/style"])
def test_routes_are_the_same_with_and_without_the_sub_path(config: Config, serve: Serve, start: str) -> None:
    api = serve(below(config))
    for path in ("/healthz", "/v1/rankings/popular", "/openapi.json", "/metrics", "/v1/users/a%2Fb/profile", "/docs"):
        assert api.get(start + path).status_code == 200, path
    assert api.get("/shop/style").status_code == 200
    for path in ("/shop", "/shop/stylev1/rankings/popular", "/shop/style/shop/style/healthz", "/other/healthz"):
        assert api.get(path).status_code == 404, path


def test_the_description_names_the_sub_path_once(config: Config, serve: Serve) -> None:
    described = serve(below(config)).get("/shop/style/openapi.json").json()
    assert described["servers"] == [{"url": "/shop/style"}]
    assert "/v1/rankings/{name}" in described["paths"]
    assert "servers" not in serve(config).get("/openapi.json").json()


def test_the_rate_holds_below_the_sub_path(config: Config, serve: Serve) -> None:
    api = serve(below(config, requests_per_second=1))
    assert 429 in [api.get("/shop/style/v1/rankings/popular").status_code for _ in range(3)]


@pytest.mark.parametrize("root", ["style", "/style/", "/a b", "/", "/v1", "/docs/x", "/a%20b"])
def test_a_sub_path_that_cannot_be_is_refused(root: str) -> None:
    with pytest.raises(ConfigError, match=r"STYLESTREAM_SERVING__ROOT_PATH: 'serving.root_path' is"):
        load_config(env={"STYLESTREAM_SERVING__ROOT_PATH": root})


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert url_of("::1", 8000) == "http://[::1]:8000"
    serving = load_config(env={"STYLESTREAM_SERVING__HOST": "::", "STYLESTREAM_SERVING__ROOT_PATH": "/s"}).serving
    assert api_address(serving) == "http://[::1]:8000/s"
    (listener,) = server.listen("::1", 0)
    port = listener.getsockname()[1]
    assert not port_free(port, "::1")
    with listener, pytest.raises(StylestreamError, match=re.escape(f"cannot serve on http://[::1]:{port}: ")):
        server.listen("::1", port)
    assert port_free(port, "::1")


def test_serving_on_an_ipv6_address_answers_there_and_says_so(config: Config, tmp_path: Path) -> None:
    port, log = any_port(), tmp_path / "serve.log"
    file = write_config(below(config, "/style"), tmp_path)
    command = [sys.executable, "-m", "cli.main", "serve", "--host", "::1", "--port", str(port), "--conf", file]
    process = start(command, log)
    owned: Running = running(process.pid)
    try:
        assert wait_until(lambda: process.poll() is not None or "serving on" in log.read_text(), 30)
        assert f"serving on http://[::1]:{port}/style" in log.read_text()
        assert wait_until(lambda: _alive(port), 20)
    finally:
        stop_all([owned])


def _alive(port: int) -> bool:
    try:
        return json.loads(httpx.get(f"http://[::1]:{port}/style/healthz").text) == {"alive": True}
    except httpx.TransportError:
        return False
