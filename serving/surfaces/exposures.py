"""Logs every answer of a recommendation surface to the topic `exposure_candidates`: what could have been seen.

An `exposure` event says that something was seen; this says what was offered, where, why and by which versions, so that
click-through and drift can be judged by surface and model. A message is handed to librdkafka and forgotten:
the answer neither waits for Kafka nor fails with it; what Kafka does not take is counted.
"""

from collections.abc import Mapping, Sequence

import orjson

from common.events import EXPOSURE_CANDIDATES
from common.validate import rfc3339
from common.views.blend import Recommendation
from serving.producer import Message
from serving.services import Services
from serving.surfaces.asked import Asked


def log_candidates(
    services: Services,
    asked: Asked,
    request_id: str,
    fallback: str | None,
    versions: Mapping[str, str | None],
    items: Sequence[Recommendation],
) -> None:
    """One message an answer, keyed by the user; an empty answer is logged too. Never raises."""
    message = {
        "request_id": request_id,
        "time": rfc3339(int(asked.now * 1000)),
        "surface": asked.surface,
        "user_id": asked.user or None,
        "item_id": asked.item or None,
        "fallback": fallback,
        "versions": versions,
        "items": [
            {"item_id": one.item_id, "position": n, "score": round(one.score, 6), "explored": one.explored}
            for n, one in enumerate(items)
        ],
    }
    topic = services.config.topic(EXPOSURE_CANDIDATES)
    sent = services.producer.post(Message(topic, asked.user.encode() or None, orjson.dumps(message)))
    services.metrics.candidates_logged.labels("queued" if sent else "dropped").inc()
