"""Whether every message is accounted for: produced = counted + copies + quarantined + late.

Each figure is measured by itself. `produced` are offsets in Kafka, without those that hold no record: the marks at the
end of a producer's transaction, and what it took back. Counted, copies and late are what the stateful operators of the
query `facts` say of the micro-batches that read them (`streaming.account`). Quarantined is what the lake, another
query, refused of the same offsets; and of the lake itself every offset with a record must be there exactly once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

Offsets = Mapping[str, int]  # 'topic/partition' → the next offset


@dataclass(frozen=True)
class Counts:
    """Of the valid records that were read: `counted` the first time, `copies` of those, `late` beyond the watermark.
    `empty`: offsets that the query went over and that held no record for it."""

    counted: int = 0
    copies: int = 0
    late: int = 0
    empty: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        late, empty = self.late + other.late, self.empty + other.empty
        return Counts(self.counted + other.counted, self.copies + other.copies, late, empty)


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
    """A partition of a topic: offsets `start` to `end`, and how often the lake has them: as `events`, `quarantined`, or
    `erased`, which it had; `absent` are in none of these, `doubled` are there more than once. `behind` are those after
    the last that the lake has: it may read them yet."""

    name: str
    start: int
    end: int
    events: int
    quarantined: int
    erased: int
    absent: int
    doubled: int
    behind: int = 0

    @property
    def offsets(self) -> int:
        """How many they are."""
        return self.end - self.start


@dataclass(frozen=True)
class Audit:
    """The partitions that the query has read, with what it says of them."""

    partitions: Sequence[Partition]
    counts: Counts

    @property
    def produced(self) -> int:
        """All messages: the offsets that hold one."""
        return sum(part.offsets for part in self.partitions) - self.counts.empty

    @property
    def missing(self) -> int:
        """Messages that the lake lacks: what it has not of the offsets, but for those that hold none. Not known while
        it is behind: the empty ones may be among those."""
        return sum(part.absent for part in self.partitions) - self.counts.empty

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
    def behind(self) -> int:
        """What the lake has not read yet, so that nothing can be said of it."""
        return sum(partition.behind for partition in self.partitions)

    @property
    def balances(self) -> bool:
        """Whether every message is accounted for, once."""
        faults = any(part.doubled or part.behind for part in self.partitions)
        return not self.unexplained and not self.missing and not faults

    def __str__(self) -> str:
        counts = self.counts
        sums = f"{counts.counted:,} counted + {counts.copies:,} copies + {self.quarantined:,} quarantined"
        doubled = sum(part.doubled for part in self.partitions)
        apart = f"{self.unexplained:,} unexplained; in the lake {self.missing:,} missing, {doubled:,} doubled"
        late = f"the lake has yet to read {self.behind:,} (query 'lake'): ask again when it has"
        verdict = "balanced" if self.balances else late if self.behind else f"NOT BALANCED, {apart}"
        return f"{self.produced:,} produced = {sums} + {counts.late:,} late: {verdict}"
