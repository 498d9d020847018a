"""Looks after one streaming query: notes its progress in Redis, starts it again when it fails."""

import sys
import time
from collections.abc import Callable
from typing import Any

import orjson
import redis
from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.damaged import damaged
from common.errors import StylestreamError, UnavailableError
from common.keys import Keys
from common.redis_client import redis_target

LONGEST_PAUSE = 30.0
NOTE_EVERY = 2.0
PROGRESS_SECONDS = 300


class Watch:
    """One query. `look` is called about once a second; a failed query starts again from its checkpoint after
    1, 2, 4 … 30 seconds. Nothing is lost by that: what the failed micro-batch wrote, it writes again. `clock`: seconds
    that only grow."""

    def __init__(
        self,
        name: str,
        start: Callable[[], StreamingQuery],
        config: Config,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._start = start
        self._config = config
        self._clock = clock
        self._redis = redis_target(config).connect()
        self._key = Keys(config.redis.prefix).progress(name)
        self._query: StreamingQuery | None = None
        self._ran = False
        self._failures = 0
        self._due = 0.0
        self._noted = 0.0
        self._late = 0
        self._last_batch = -1

    def look(self) -> None:
        """Starts, restarts or notes the query, whichever is due."""
        now = self._clock()
        if self._query is None:
            if now >= self._due:
                self._begin(now)
        elif not self._query.isActive:
            query, self._query = self._query, None
            self._failed(now, query.exception())
        elif now >= self._noted + NOTE_EVERY:
            self._noted = now
            self._note(self._query)

    def stop(self) -> None:
        """Stops the query after its current micro-batch."""
        if self._query is not None:
            self._query.stop()

    def _begin(self, now: float) -> None:
        """What fails at the first start is for whoever started us; later, as Kafka or the lake may be away for a while,
        it is one more failure. `StylestreamError` where it cannot start as a file is damaged."""
        try:
            self._query = self._start()
            self._ran = True
        except Exception as error:
            if found := damaged(self._config):
                raise StylestreamError(found) from error
            lasting = isinstance(error, StylestreamError) and not isinstance(error, UnavailableError)
            if lasting or not self._ran:
                raise
            self._failed(now, error)

    def _failed(self, now: float, error: Exception | None) -> None:
        pause = min(LONGEST_PAUSE, 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._due = now + pause
        print(
            f"query {self.name} failed: {damaged(self._config) or _first_line(error)}; again in {pause:.0f} s",
            file=sys.stderr,
            flush=True,
        )

    def _note(self, query: StreamingQuery) -> None:
        for progress in query.recentProgress:
            if progress.batchId > self._last_batch:
                self._last_batch = progress.batchId
                self._late += sum(s.numRowsDroppedByWatermark for s in progress.stateOperators)
        last = query.lastProgress
        if last is None:  # the first micro-batch is under way: nothing to vouch for yet
            return
        if last.numInputRows:
            self._failures = 0
        try:
            self._redis.set(self._key, orjson.dumps(self._summary(last)), ex=PROGRESS_SECONDS)
        except redis.RedisError as error:
            print(f"query {self.name}: progress not noted: {_first_line(error)}", file=sys.stderr, flush=True)
            self._redis.close()  # that server may be a replica now: the next connection looks its name up again

    def _summary(self, last: Any) -> dict[str, Any]:
        return {
            "query": self.name,
            "written_at_ms": time.time_ns() // 1_000_000,
            "progress_at_ms": _epoch_ms(last.timestamp),
            "batch_id": last.batchId,
            "rows": last.numInputRows,
            "rows_per_second": last.processedRowsPerSecond if last.numInputRows else 0.0,
            "batch_ms": last.durationMs.get("triggerExecution", 0),
            "phases_ms": dict(last.durationMs),
            "as_of_ms": _epoch_ms(last.eventTime.get("max")),
            "watermark_ms": _epoch_ms(last.eventTime.get("watermark")),
            "late_rows": self._late,
            "failures": self._failures,
            "backlog": _backlog(last),
        }


def _backlog(last: Any) -> int:
    """Records in Kafka that the query has not read: the source's own figure at its last micro-batch."""
    return sum(int(float(s.metrics.get("maxOffsetsBehindLatest", 0) or 0)) for s in last.sources if s.metrics)


def _epoch_ms(text: str | None) -> int | None:
    from common.validate import epoch_ms

    return epoch_ms(text) if text else None


def _first_line(error: StreamingQueryException | Exception | None) -> str:
    lines = [line.strip() for line in str(error or "stopped").splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith("at ")]  # not the places in Spark's own code
    causes = [line for line in said if "Error" in line or "Exception" in line]
    return (causes[-1] if causes else lines[0] if lines else "unknown")[:300]
