"""Whether every message is accounted for: produced = counted + copies + quarantined + late.

Each figure is measured by itself. `produced` are offsets in Kafka. Counted, copies and late are what the stateful
operators of the query `facts` say of the micro-batches that read them (`streaming.account`). Quarantined is what the
lake, another query, refused of the same offsets; and of the lake itself every offset must be there exactly once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

Offsets = Mapping[str, int]  # 'topic/partition' → the next offset


@dataclass(frozen=True)
class Counts:
    """Of the valid records that were read: `counted` the first time, `copies` of those, `late` beyond the watermark."""

    counted: int = 0
    copies: int = 0
    late: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(self.counted + other.counted, self.copies + other.copies, self.late + other.late)


@dataclass(frozen=True)
class Account:
    """What a query did with the records from `start` to `end`: micro-batches before `batch`, and that one."""

    query: str
    batch: int
    start: Offsets
    end: Offsets
    before: Counts
    now: Counts

    @classmethod
    def read(cls, text: bytes | str) -> "Account":
        """What was written as JSON."""
        fields = orjson.loads(text)
        return cls(**fields | {name: Counts(**fields[name]) for name in ("before", "now")})

    @classmethod
    def after(
        cls, known: "Account | None", query: str, batch: int, start: Offsets, end: Offsets, counts: Counts
    ) -> "Account":
        """With the micro-batch `batch`. One that is noted already is replaced; another query, or one with a gap before
        it (its account was lost), begins a new account."""
        if known is None or known.query != query or batch not in (known.batch, known.batch + 1):
            return cls(query, batch, start, end, Counts(), counts)
        before = known.before if batch == known.batch else known.before.plus(known.now)
        return cls(query, batch, {**start, **known.start}, end, before, counts)

    def total(self) -> Counts:
        """All micro-batches."""
        return self.before.plus(self.now)


@dataclass(frozen=True)
class Partition:
    """A partition of a topic: offsets `start` to `end`, and how often the lake has them: as `events`, `quarantined`;
    `missing` are in neither, `doubled` are there more than once."""

    name: str
    start: int
    end: int
    events: int
    quarantined: int
    missing: int
    doubled: int

    @property
    def produced(self) -> int:
        """The messages between the offsets."""
        return self.end - self.start


@dataclass(frozen=True)
class Audit:
    """The partitions that the query has read, with what it says of them."""

    partitions: Sequence[Partition]
    counts: Counts

    @property
    def produced(self) -> int:
        """All messages read."""
        return sum(partition.produced for partition in self.partitions)

    @property
    def quarantined(self) -> int:
        """What of them the lake refused."""
        return sum(partition.quarantined for partition in self.partitions)

    @property
    def unexplained(self) -> int:
        """Messages that neither side accounts for; negative where one is counted twice."""
        counts = self.counts
        return self.produced - counts.counted - counts.copies - counts.late - self.quarantined

    @property
    def balances(self) -> bool:
        """Whether every message is accounted for, once."""
        return not self.unexplained and not any(part.missing or part.doubled for part in self.partitions)

    def __str__(self) -> str:
        counts = self.counts
        sums = f"{counts.counted:,} counted + {counts.copies:,} copies + {self.quarantined:,} quarantined"
        missing, doubled = (sum(getattr(part, name) for part in self.partitions) for name in ("missing", "doubled"))
        apart = f"{self.unexplained:,} unexplained; in the lake {missing:,} missing, {doubled:,} doubled"
        verdict = "balanced" if self.balances else f"NOT BALANCED, {apart}"
        return f"{self.produced:,} produced = {sums} + {counts.late:,} late: {verdict}"
