"""Asks the API whether it is fit to serve."""

import http.client
import json
import urllib.error
import urllib.request

ALIVE = {"alive": True}  # what /healthz says
# Never through a proxy: the API is on this machine.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def not_ready(address: str, timeout: float = 3.0) -> str | None:
    """None when `/readyz` answers 200, else what it lacks, in a few words."""
    try:
        with _OPEN(f"{address}/readyz", timeout=timeout) as answer:
            return None if answer.status == 200 else f"the API answers {answer.status}"
    except urllib.error.HTTPError as error:
        return _lacking(error)
    except (OSError, ValueError):
        return "the API does not answer yet"


def ours(address: str, timeout: float = 3.0) -> bool:
    """Whether it is an API of ours that answers there, fit to serve or not."""
    try:
        with _OPEN(f"{address}/healthz", timeout=timeout) as answer:
            return bool(json.loads(answer.read(1000)) == ALIVE)
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _lacking(error: urllib.error.HTTPError) -> str:
    try:
        parts = json.loads(error.read())["parts"]
        return "; ".join(
            f"{name} {part['detail']}" for name, part in parts.items() if not part["ok"] and part.get("needed", True)
        )[:300]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"the API answers {error.code}"
