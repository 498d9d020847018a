"""GET / and /docs: static pages with everything they need from this server, so that CSP can say 'self'."""

from functools import cache
from pathlib import Path

from fastapi import APIRouter
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


@cache
def _content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def _add(path: str, name: str) -> None:
    async def get() -> Response:
        return Response(_content(name), media_type=TYPES[Path(name).suffix], headers=HEADERS)

    router.add_api_route(path, get, methods=["GET", "HEAD"])


for _path, _name in FILES.items():
    _add(_path, _name)
