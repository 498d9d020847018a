"""Where downloads are kept: without a home folder, in a cache that cannot be written, below unfit paths."""

import os
import re
from pathlib import Path

import pytest

from common.errors import MissingRequirementError
from common.jars import CLASS_PATH, cache_dir
from local import doctor, jars


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def retrieve(*given: object) -> None:
        raise AssertionError("a download was begun")

    monkeypatch.setattr(jars, "retrieve", retrieve)


def unwritable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The folder as for somebody else's: tests may run as root, who may write anywhere."""
    monkeypatch.setenv("STYLESTREAM_CACHE", str(folder))

    def refused(*given: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(jars.tempfile, "mkdtemp", refused)
    monkeypatch.setattr(Path, "open", refused)


def fill(folder: Path) -> None:
    for name in CLASS_PATH:
        (folder / "spark-jars").mkdir(exist_ok=True)
        (folder / "spark-jars" / name).write_bytes(b"x")
    broker = folder / f"kafka-{jars.KAFKA_VERSION}"
    broker.mkdir()
    (broker / "a.jar").write_bytes(b"x")
    (broker / jars.COMPLETE).write_text("a.jar")


def test_without_a_home_folder_the_variable_to_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STYLESTREAM_CACHE", raising=False)

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(MissingRequirementError, match=r"HOME.*set STYLESTREAM_CACHE"):
        cache_dir()
    finding = doctor.jars()
    assert not finding.ok and "STYLESTREAM_CACHE" in finding.mend


def test_a_cache_that_cannot_be_written_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unwritable(monkeypatch, tmp_path)
    said = rf"the cache {re.escape(str(tmp_path))} cannot be written \(Permission denied\): set STYLESTREAM_CACHE"
    with pytest.raises(MissingRequirementError, match=said):
        jars.fetch(print)


def test_a_folder_that_may_not_be_added_to_is_said_likewise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open
    unwritable(monkeypatch, tmp_path)
    monkeypatch.setattr(Path, "open", opened)  # the lock is there already
    with pytest.raises(MissingRequirementError, match="cannot be written"):
        jars.fetch(print)


def test_a_full_cache_need_not_be_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    unwritable(monkeypatch, tmp_path)
    monkeypatch.setattr(jars, "broker_present", lambda: True)  # it reads a file, which is refused here
    jars.fetch(print)


@pytest.mark.parametrize("sign", [os.pathsep, "[", ")", "\\"])
def test_signs_that_part_a_class_path_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str) -> None:
    monkeypatch.setenv("STYLESTREAM_CACHE", f"{tmp_path}/a{sign}b")
    with pytest.raises(MissingRequirementError, match=re.escape(repr(sign)) + ".*set STYLESTREAM_CACHE"):
        cache_dir()


def test_a_relative_cache_is_the_same_wherever_a_process_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STYLESTREAM_CACHE", "jars")
    assert cache_dir() == tmp_path / "jars"
