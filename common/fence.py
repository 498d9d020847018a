"""What a write shows to be let in: the token of who may write."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fence:
    """The token and the key that holds the newest one; picklable. Without a key every write is let in."""

    key: str = ""
    token: str = ""


NO_FENCE = Fence()
