"""Values kept each by itself: read once while they are kept, missing ones together."""

import asyncio

from serving.kept_each import KeptEach


def test_what_is_missing_is_read_together_and_again_when_it_is_old() -> None:
    now, asked = [0.0], []

    async def read(keys: list[str]) -> list[str]:
        asked.append(keys)
        return [f"{key}{len(asked)}" for key in keys]

    kept: KeptEach[str, str] = KeptEach(2.0, 3, lambda: now[0])
    assert asyncio.run(kept.of(["a", "b", "a"], read)) == ["a1", "b1", "a1"]
    now[0] = 1.0
    assert asyncio.run(kept.of(["c", "a"], read)) == ["c2", "a1"]
    now[0] = 2.0
    assert asyncio.run(kept.of(["c", "a"], read)) == ["c2", "a3"]
    assert asyncio.run(kept.of(["d"], read)) == ["d4"]  # one more than are kept: the others go
    assert asyncio.run(kept.of(["c", "d"], read)) == ["c5", "d4"]
    assert asked == [["a", "b"], ["c"], ["a"], ["d"], ["c"]]
