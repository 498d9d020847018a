"""Writes early who has searched, by the stream's own step: trending keywords know a search before the answer to it.

The stream writes it again, and nothing changes: who searched in a minute is a set. Written is what Kafka has taken, as
only that reaches the stream; and only searches of now, as the stream leaves out what comes too late.
"""

from collections.abc import Iterable
from typing import Any

from common.config import Config
from common.fence import NO_FENCE
from common.keys import Keys
from common.sinks.keyword_facts import Search, keyword_writer
from common.sinks.scripts import whole
from common.validate import epoch_ms
from serving.records import user_of

LATE_MS = 60_000  # within the stream's watermark by far
MINUTE_MS = 60_000


class Searches:
    """One a process."""

    def __init__(self, config: Config) -> None:
        self._writer = keyword_writer(config)
        self._meta = Keys(config.redis.prefix).keyword_meta

    def write(self, pipeline: Any, events: Iterable[dict[str, Any]], now_ms: int) -> None:
        """Adds to the pipeline what notes the searches among accepted events."""
        for args in self._writer.calls(_searches(events, now_ms)):
            # the text itself: to ask first whether Redis has the script would cost a round trip
            pipeline.eval(whole("keyword_facts"), 2, self._meta, NO_FENCE.key, *args, NO_FENCE.token)


def _searches(events: Iterable[dict[str, Any]], now_ms: int) -> Iterable[Search]:
    """What is ahead of its receipt counts at it, as everywhere."""
    for event in events:
        if event["event_type"] == "search":
            time_ms = min(epoch_ms(event["event_time"]) or 0, now_ms)
            if now_ms - time_ms <= LATE_MS:
                yield time_ms // MINUTE_MS, user_of(event), event["query"]
