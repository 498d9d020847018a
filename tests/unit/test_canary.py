"""Who has the canary: a stated share of the users, always the same, others for another version."""

from math import sqrt

import pytest

from common.models.canary import Canary, load
from serving.versions import Versions

USERS = [f"u{n:05}" for n in range(20_000)]


def served(version: str, share: float) -> set[str]:
    return {user for user in USERS if Canary(version, share).serves(user)}


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_the_share_of_users_is_within_what_chance_gives(share: float) -> None:
    deviation = sqrt(len(USERS) * share * (1 - share))
    assert abs(len(served("20260301T000000", share)) - len(USERS) * share) < 4 * deviation


def test_the_same_users_have_it_always_and_keep_it_when_the_share_grows() -> None:
    assert served("a", 0.1) == served("a", 0.1) < served("a", 0.3)
    place = 0x3556B35BCCBF260C / 2**64  # printf 'v2\x1fu00003' | sha256sum
    assert Canary("v2", place + 0.001).serves("u00003") and not Canary("v2", place - 0.001).serves("u00003")
    assert not Canary("a", 0.999).serves("")


def test_another_version_picks_other_users() -> None:
    share = 0.1
    both = len(served("20260301T000000", share) & served("20260302T000000", share))
    expected = len(USERS) * share**2
    assert abs(both - expected) < 4 * sqrt(expected)


def test_what_redis_holds_is_read_as_it_was_written_and_anything_else_is_no_canary() -> None:
    assert load(Canary("v2", 0.25).dump()) == Canary("v2", 0.25)
    assert load(b'{"version": "v2", "share": 0.1}') == Canary("v2", 0.1)
    for text in (None, b"", b"v2", b"{}", b'{"version": "v2", "share": 1.5}', b'{"version": "", "share": 0.1}'):
        assert load(text) is None
    assert str(Canary("v2", 0.125)) == "v2 for 12.5 % of the users"


def test_the_canary_comes_first_for_its_users_only() -> None:
    canary = Canary("v2", 0.1)
    versions = Versions("v1", canary, None)
    (lucky, *_), (other, *_) = sorted(served("v2", 0.1)), sorted({*USERS} - served("v2", 0.1))
    assert versions.als_for(lucky) == ("v2", "v1")
    assert versions.als_for(other) == versions.als_for("") == ("v1",)
    assert Versions(None, None, None).als_for(lucky) == ()
    assert Versions("v2", canary, None).als_for(lucky) == ("v2",)
