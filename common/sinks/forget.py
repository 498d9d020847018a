"""Forgetting a user in Redis: what is removed, and what keeps it from coming back.

The stream's state holds the user's facts of the minutes within the watermark, and a micro-batch may be on its way: it
would write them again as absolute values. The key `forgotten` stands against that: the sink (`user_facts.lua`) drops
facts of minutes up to it, serving ignores older actions and whatever the batch layer publishes meanwhile.

An event's own time may be `MAX_AHEAD_MS` ahead of its arrival. So `forgotten` and what goes by event times reach that
much past the request: what a user does in the minutes after asking is not kept in Redis either.
"""

from collections.abc import Sequence
from typing import Any

from common.events import MAX_AHEAD_MS
from common.keys import Keys
from common.sinks.scripts import lua

STANDS_SECONDS = 30 * 24 * 3600  # until the job `forget` has been there
SETTLED_SECONDS = 3600  # after that: by then nothing old is on its way


def forget_in_redis(client: Any, keys: Keys, user: str, asked_ms: int, models: Sequence[str], seconds: int) -> Any:
    """Runs the script on `client`, a pipeline or a client of either kind; `models` are versions with candidates."""
    listed = [keys.candidates(model, user) for model in models]
    timed = [keys.user_facts(user), keys.recent(user), keys.forgotten(user), keys.shown(user), keys.sessions(user)]
    names = [*timed, keys.kind(user), keys.long_term(user), keys.long_pattern(user), keys.bought(user)]
    names += [keys.owner(user), *listed]
    return client.eval(lua("forget"), len(names), *names, asked_ms, asked_ms + MAX_AHEAD_MS, seconds)
