"""Where the newest sessions of others lead from the items at hand, seconds after they happened.

The one place where the index of fresh sessions is plugged in; without one nothing is known.
"""

from collections.abc import Mapping

from serving.services import Services


async def fresh_sessions(services: Services, at_hand: Mapping[str, float]) -> dict[str, float]:
    """Item → strength, from the sessions of others that hold the items at hand, each with its weight."""
    del services, at_hand
    return {}
