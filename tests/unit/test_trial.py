"""The gate: popularity and the live model's parameters must be reached; the blend is published where it helps."""

import pytest

from batch.evaluate import Quality
from batch.held_out import Segments
from batch.trial import Trial


def segments(ndcg: float, new: float = 0.9) -> Segments:
    """Three users, one of them light; and new ones, which the gate does not look at."""
    return {
        "light": Quality(ndcg - 0.02, 0, 0, 1),
        "heavy": Quality(ndcg + 0.01, 0, 0, 2),
        "new": Quality(new, 0, 0, 9),
    }


@pytest.mark.parametrize(
    ("als", "blend", "popularity", "live", "blended", "words"),
    [
        (0.20, None, 0.10, None, False, ""),
        (0.20, 0.25, 0.10, None, True, ""),
        (0.20, 0.15, 0.10, None, False, ""),
        (0.20, 0.25, 0.30, None, True, "nDCG@10 is 0.2500, of popularity 0.3000: 0.83 times, must be at least 1 (als"),
        (0.20, 0.25, 0.10, 0.26, True, ""),
        (0.20, 0.25, 0.10, 0.30, True, "with the live model's parameters 0.3000: 0.83 times, must be at least 0.95"),
        (0.20, None, 0.10, 0.30, False, "als.min_lift_over_live"),
    ],
)
def test_the_gate(
    als: float, blend: float | None, popularity: float, live: float | None, blended: bool, words: str
) -> None:
    parts = [None if value is None else segments(value) for value in (als, blend, popularity, live)]
    found = Trial(*parts)  # type: ignore[arg-type]
    assert found.blended == blended
    refusal = found.refusal(1.0, 0.95)
    assert words in refusal
    assert bool(refusal) == bool(words)
    noted = found.metrics()
    assert noted["published"] == ("blend" if blended else "als")
    assert noted["als"]["ndcg"] == pytest.approx(als)  # type: ignore[index]
    assert ("live" in noted, "blend" in noted) == (live is not None, blend is not None)


def test_a_model_that_hits_nothing_is_refused_even_where_popularity_hits_nothing() -> None:
    nothing = segments(0.0) | {"light": Quality(0, 0, 0, 1), "heavy": Quality(0, 0, 0, 2)}
    assert "0.00 times" in Trial(nothing, None, nothing, None).refusal(1.0, 0.95)
