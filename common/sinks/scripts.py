"""The Lua scripts beside this file: what Redis does in one step."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.fence import Fence

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

BEFORE = {  # script → what it is built on
    "item_facts": ("item_lifetimes",),
    "merge": ("item_lifetimes",),
    "keyword_facts": ("keyword_window",),
    "keyword_merge": ("keyword_window",),
}


@cache
def lua(name: str) -> str:
    """The text of `<name>.lua`."""
    return (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8")


@cache
def whole(name: str) -> str:
    """The text of a script with what it is built on."""
    return "".join(lua(part) for part in ("fence", *BEFORE.get(name, ()), name))


class Fenced:
    """The script `name`, which does nothing but fail where the fence holds another token."""

    def __init__(self, client: "Redis", name: str, fence: Fence) -> None:
        self._script = client.register_script(whole(name))
        self._fence = fence

    def __call__(self, keys: Sequence[str], args: Sequence[Any], client: "Pipeline | None" = None) -> Any:
        """Calls it, or adds the call to a pipeline. Raises `redis.ResponseError` that begins with `FENCED`."""
        return self._script([*keys, self._fence.key], [*args, self._fence.token], client)
