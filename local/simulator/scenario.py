"""What may happen to the shop, as data: trends, attacks, experiments, promotions, incidents.

Times are seconds after the live events begin; before that (negative time) nothing happens. Each has a text
form for the command line, e.g. `linen shirt@30+120`: from second 30, for 120 s (default: at once, endless).
"""

import hashlib
import re
from dataclasses import dataclass

from common.errors import ConfigError

ENDLESS = 10**9


@dataclass(frozen=True)
class Span:
    start: float = 0.0
    seconds: float = float(ENDLESS)

    def holds(self, now: float) -> bool:
        return self.start <= now < self.start + self.seconds


@dataclass(frozen=True)
class Trend:
    """Searches for `keyword` rise to `share` of all searches within `RISE_SECONDS`."""

    keyword: str
    span: Span = Span()
    share: float = 0.3
    rise_seconds: float = 20.0

    def chance(self, now: float) -> float:
        """The share of searches that are for the keyword now."""
        if not self.span.holds(now):
            return 0.0
        return self.share * min(1.0, (now - self.span.start) / self.rise_seconds)


@dataclass(frozen=True)
class FraudAttack:
    """`payments` payments with one card from one device, each as another user, spread over the span."""

    payments: int
    span: Span = Span(0.0, 30.0)


@dataclass(frozen=True)
class Experiment:
    """Exposures carry a variant; the purchase propensity of 'treatment' is `1 + lift` times as high."""

    name: str
    lift: float = 0.0
    span: Span = Span()
    variants: tuple[str, ...] = ("control", "treatment")

    def variant(self, unit: str) -> str:
        """Always the same variant for the same user (or session)."""
        digest = hashlib.sha256(f"{self.name}\x1f{unit}".encode()).digest()
        return self.variants[int.from_bytes(digest[:8], "big") % len(self.variants)]


@dataclass(frozen=True)
class Promotion:
    """`discount` (0.2 = 20 % off) on a category; more of what is in a cart gets bought."""

    category: str
    discount: float
    span: Span = Span()

    @property
    def promotion_id(self) -> str:
        return f"promo-{self.category.replace('/', '-')}"


@dataclass(frozen=True)
class Incident:
    """`errors_per_second` error lines of one service in `logs`."""

    service: str
    span: Span = Span(0.0, 30.0)
    errors_per_second: float = 50.0


@dataclass(frozen=True)
class Scenario:
    trends: tuple[Trend, ...] = ()
    attacks: tuple[FraudAttack, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    incidents: tuple[Incident, ...] = ()


_FORM = re.compile(r"^(?P<what>.+?)(@(?P<start>\d+(\.\d+)?)(\+(?P<seconds>\d+(\.\d+)?))?)?$", re.DOTALL)


def parse_span(text: str, default: Span) -> tuple[str, Span]:
    """`what[@START[+SECONDS]]` → what, and its span; an '@' begins one, unless one follows later."""
    match = _FORM.match(text.strip())
    if match is None or ("@" in match["what"] and match["start"] is None):
        raise ConfigError(f"'{text}': expected WHAT[@START[+SECONDS]] in seconds, e.g. KEYWORD@30+600")
    start = float(match["start"]) if match["start"] else default.start
    seconds = float(match["seconds"]) if match["seconds"] else default.seconds
    return match["what"], Span(start, seconds)


def parse_number(text: str, default: float, least: float, most: float) -> tuple[str, float]:
    """`name[:NUMBER]` → name and number, which is in [least, most]."""
    name, _, number = text.partition(":")
    try:
        value = float(number) if number else default
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ConfigError(f"'{text}': expected NAME[:NUMBER] with a number from {least:g} to {most:g}")
    return name, value
