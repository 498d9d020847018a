"""The long-term pattern of a user: read for the profile's own page only, apart from what every surface needs."""

from common.views.pattern import NO_PAST, Past, read_past
from serving.services import Services


async def read_long_pattern(services: Services, user: str) -> Past:
    """One round trip; of somebody who was forgotten there is none, whatever the batch layer has published since."""
    keys = services.keys
    pipeline = services.redis.pipeline(transaction=False)
    pipeline.get(keys.long_pattern(user))
    pipeline.get(keys.forgotten(user))
    text, forgotten = await pipeline.execute()
    return NO_PAST if forgotten else read_past(text)
