"""Artifacts: what is written in pieces is what is mapped, whole versions only, on local paths and behind a URI."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from common.artifacts import MANIFEST, Artifacts, Chunk, artifacts
from common.config_load import load_config
from common.errors import UnavailableError

FACTORS = np.random.default_rng(1).normal(size=(10, 4)).astype(np.float32)
NAMES = np.array([f"옷-{n}".encode() for n in range(10)], "S64")


@pytest.fixture(params=["", "file://"], ids=["local", "uri"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    return Artifacts(f"{request.param}{tmp_path}/lake/artifacts", "items", str(tmp_path / "cache"))


def fill(store: Artifacts, version: str, scale: int = 1) -> None:
    pieces = ({"factors": FACTORS[n : n + 3] * scale, "names": NAMES[n : n + 3]} for n in range(0, 10, 3))
    assert store.write(version, pieces, {"alpha": 2.0}) == {"factors": 10, "names": 10}


def test_what_is_written_in_pieces_is_mapped_whole(store: Artifacts) -> None:
    fill(store, "1")
    found = store.open("1")
    assert isinstance(found.arrays["factors"], np.memmap)
    assert np.array_equal(found.arrays["factors"], FACTORS)
    assert [name.decode() for name in found.arrays["names"]] == [f"옷-{n}" for n in range(10)]
    assert (found.version, found.about) == ("1", {"alpha": 2.0})
    with pytest.raises(ValueError, match="read-only"):
        found.arrays["factors"][0] = 0


def test_a_version_without_its_manifest_is_none(store: Artifacts) -> None:
    fill(store, "1")

    def breaks() -> Iterator[Chunk]:
        yield {"factors": FACTORS}
        raise RuntimeError("the task died")

    with pytest.raises(RuntimeError):
        store.write("2", breaks())
    place = Path(store.root.removeprefix("file://"), "items", "3")
    place.mkdir()
    np.save(place / "factors.npy", FACTORS)
    assert store.versions() == ["1"]
    for version in ("2", "3", ""):
        with pytest.raises(UnavailableError, match=f"no version '{version}' of items"):
            store.open(version)


def test_the_live_version_is_the_one_pointed_to_last(store: Artifacts) -> None:
    assert (store.live(), store.versions()) == ("", [])
    fill(store, "1")
    fill(store, "2", scale=2)
    store.point("2")
    assert store.open_live().arrays["factors"][0, 0] == 2 * FACTORS[0, 0]
    store.point("1")
    assert store.open_live().version == "1"
    with pytest.raises(UnavailableError):
        store.point("9")


def test_whoever_has_mapped_a_version_that_is_removed_keeps_it(store: Artifacts) -> None:
    for version in "12":
        fill(store, version)
    mapped = store.open("1").arrays["factors"]
    for _ in range(2):  # a run beside this one removes it too
        store.remove("1")
    assert store.versions() == ["2"]
    assert np.array_equal(mapped, FACTORS)


def test_what_was_copied_before_a_version_was_written_again_is_not_opened(store: Artifacts) -> None:
    for scale in (1, 3):
        fill(store, "1", scale)
        assert np.array_equal(store.open("1").arrays["factors"], FACTORS * scale)
    assert np.array_equal(store.open("1").arrays["factors"], FACTORS * 3)
    fill(store, "2")
    store.open("2")
    store.remove("1")
    copies = Path(store.cache, "items")
    assert not copies.exists() or [folder.name for folder in copies.iterdir()] == ["2"]


def test_writing_again_replaces_and_whoever_mapped_it_keeps_what_he_had(tmp_path: Path) -> None:
    store = artifacts(load_config(env={"STYLESTREAM_LAKE_PATH": str(tmp_path)}), "items")
    fill(store, "1")
    before = store.open("1").arrays["factors"]
    fill(store, "1", scale=3)
    assert np.array_equal(before, FACTORS)
    assert np.array_equal(store.open("1").arrays["factors"], FACTORS * 3)
    assert sorted(file.name for file in (tmp_path / "artifacts/items/1").iterdir()) == [
        "factors.npy",
        MANIFEST,
        "names.npy",
    ]


def test_empty_arrays_are_arrays_and_pieces_that_do_not_fit_are_refused(store: Artifacts) -> None:
    store.write("1", [{"factors": FACTORS[:0]}])
    assert store.open("1").arrays["factors"].shape == (0, 4)
    with pytest.raises(ValueError, match="after float32"):
        store.write("2", [{"factors": FACTORS}, {"factors": FACTORS.astype(np.float64)}])
    with pytest.raises(ValueError, match="objects"):
        store.write("2", [{"names": np.array(["a", "b"], object)}])
