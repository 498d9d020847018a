"""One question to a recommendation surface, and what was found for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from common.config_surfaces import Surface
from common.views.blend import Candidates
from common.views.offers import Filters

DAY_SECONDS, MINUTE_SECONDS = 86_400, 60


@dataclass(frozen=True)
class Asked:
    """`user` is '' where nobody is named, `item` where the surface is not about one; `now` in epoch seconds."""

    surface: Surface
    user: str
    item: str
    limit: int
    filters: Filters
    explain: bool
    now: float

    @property
    def today(self) -> int:
        return int(self.now // DAY_SECONDS)

    @property
    def seed(self) -> str:
        """The same request gets the same draw for a minute."""
        return f"{self.surface}|{self.user}|{self.item}|{int(self.now // MINUTE_SECONDS)}"


@dataclass(frozen=True)
class Found:
    """What may be shown; `fallback` names what stands in where the surface's own source has nothing (docs/api.md),
    `version` is that of the surface's model, `versions` are those of all that it drew upon."""

    candidates: Candidates
    fallback: str | None
    version: str | None
    versions: Mapping[str, str | None]


def ask(surface: Surface, filters: Filters, limit: int, explain: bool, user: str = "", item: str = "") -> Asked:
    """A question of now."""
    return Asked(surface, user, item, limit, filters, explain, time.time())
