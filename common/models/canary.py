"""A model that a share of the users is served with while the live one stays for the rest.

A user is the canary's when the first 8 bytes of SHA-256 over version and user id, as a fraction of their range, lie
below the share: always the same answer for the same user, in every process and without anything kept, and a larger
share keeps whoever had a smaller one. The version salts it, so that each canary meets other users.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from common.keys import SEPARATOR

Share = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class Canary:
    """Which version, and the share of the users it is for."""

    version: Annotated[str, Field(min_length=1)]
    share: Share

    def serves(self, user: str) -> bool:
        """Whether the user is among its share; '' is nobody and never is."""
        digest = hashlib.sha256(f"{self.version}{SEPARATOR}{user}".encode()).digest()
        return bool(user) and int.from_bytes(digest[:8], "big") < self.share * 2**64

    def dump(self) -> bytes:
        """As Redis keeps it."""
        return _JSON.dump_json(self)

    def __str__(self) -> str:
        return f"{self.version} for {100 * self.share:.3g} % of the users"


_JSON = TypeAdapter(Canary)


def load(text: bytes | None) -> Canary | None:
    """What `dump` made; None where there is none, or nothing that can be read."""
    try:
        return _JSON.validate_json(text) if text else None
    except ValidationError:
        return None
