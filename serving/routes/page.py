"""GET / and /docs: static pages with everything they need from this server, so that CSP can say 'self'.

/assets/tracker.js is for the pages of a shop, on other origins.
"""

import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).resolve().parent.parent / "dashboard"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
FILES = {
    "/": "index.html",
    "/docs": "docs.html",
    "/assets/page.js": "page.js",
    "/assets/surfaces.js": "surfaces.js",
    "/assets/docs.js": "docs.js",
    "/assets/page.css": "page.css",
    "/favicon.ico": "icon.svg",
}
TRACKER = Path(__file__).resolve().parent.parent / "tracker.js"
TRACKER_HEADERS = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
NOT_SERVED = re.compile(r"^\s*(?://.*\n\s*)*", re.MULTILINE)  # indentation, lines of comment, empty lines


@cache
def _content(name: str, root: str) -> bytes:
    """A file; links of a page begin at the sub-path `root`. Scripts know it by their own address."""
    content = (FOLDER / name).read_bytes()
    if not root or not name.endswith(".html"):
        return content
    return content.replace(b'="/', f'="{root}/'.encode())


def _add(path: str, name: str) -> None:
    async def get(request: Request) -> Response:
        root = request.app.state.services.config.serving.root_path
        return Response(_content(name, root), media_type=TYPES[Path(name).suffix], headers=HEADERS)

    router.add_api_route(path, get, methods=["GET"])


@cache
def tracker() -> bytes:
    """The tracker as it is served, at most 3 KB."""
    return NOT_SERVED.sub("", TRACKER.read_text(encoding="utf-8")).encode()


@router.get("/assets/tracker.js")
async def get_tracker() -> Response:
    """Scripts may be embedded by any page; what it sends is up to `serving.cors_origins`."""
    return Response(tracker(), media_type=TYPES[".js"], headers=TRACKER_HEADERS)


for _path, _name in FILES.items():
    _add(_path, _name)
