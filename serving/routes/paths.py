"""URL paths: what stands between two slashes is one segment, whatever it encodes.

A server decodes a path before it is routed, which makes two segments of `a%2Fb`. Here a path is routed encoded, in one
spelling, and a segment is decoded once, where a route takes it as a parameter.
"""

from urllib.parse import quote, unquote_to_bytes

from pydantic_core import PydanticCustomError
from starlette.types import Scope

OF_A_USER = "of a user there are /profile, /recommendations/for-you, /recommendations/now and /recommendations/trending"
OF_AN_ITEM = "of an item there are /v1/items/{id} itself, /related and /similar (/price is not built yet)"
THERE_ARE = {
    "/v1/users": f"{OF_A_USER}; a / in an id is written %2F",
    "/v1/items": f"{OF_AN_ITEM}; a / in an id is written %2F",
    "/v1/rankings": "there is /v1/rankings/{name}; a / in a name is written %2F",
    "/v1/keywords": "there is /v1/keywords/trending",
}


def routed_path(scope: Scope, root: str = "") -> str:
    """The path of a request as it is routed: all but letters, digits and `-._~` of a segment percent-encoded, without
    the sub-path `root`, which a proxy may have left in."""
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    path = "/".join(quote(unquote_to_bytes(segment), safe="") for segment in raw.split(b"/"))
    below = root and f"{path}/".startswith(f"{root}/")
    return (path[len(root) :] or "/") if below else path


def decoded(segment: str) -> str:
    """A segment of a routed path as it was meant; an error of validation for what is not UTF-8."""
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise PydanticCustomError("not_utf8", "must be UTF-8, percent-encoded") from None


def not_there(path: str) -> str:
    """What to tell a caller of a path that no route has: what there is."""
    return f"no such resource; {THERE_ARE.get('/'.join(path.split('/')[:3]), '/docs shows all there is')}"
