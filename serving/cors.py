"""Which pages of other origins may ask from a browser (`serving.cors_origins`): none without configuration.

Stands before everything else, so that a preflight, which carries no key, is answered without one and takes nothing off
the rate, and so that a page can read why it is refused. Erasing is for servers: no page may.
"""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from common.config_types import ANYBODY

METHODS = ("GET", "HEAD", "POST")
ASKED_WITH = ("Content-Encoding", "Content-Type", "X-API-Key")
SHOWN = ("Retry-After", "X-Request-Id")


def add_cors(app: FastAPI, origins: Sequence[str]) -> None:
    """Lets these origins in; none: a browser shows no page of another origin anything, as without this middleware.

    A beacon always comes with credentials, so a listed origin may send them; everybody may not.
    """
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=METHODS,
            allow_headers=ASKED_WITH,
            allow_credentials=ANYBODY not in origins,
            expose_headers=SHOWN,
        )
