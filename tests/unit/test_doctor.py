"""The doctor finds what is missing and says how to mend it; `java` here is a script that prints a version."""

import socket
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import stylestream
from common.config_load import load_config
from common.errors import MissingRequirementError
from local import doctor
from local.java import parse_version, require_java
from local.process import LOOPBACK, any_port


@pytest.fixture
def fake_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "FakeJava":
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return FakeJava(tmp_path / "java")


class FakeJava:
    """Puts a `java` on the PATH that prints what it is told."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def prints(self, text: str, code: int = 0) -> None:
        self.file.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit {code}\n")
        self.file.chmod(0o755)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "25-ea" 2025-09-16', 25),
        ('java version "1.8.0_392"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.2" 2024-01-16', 21),
        ("not a java", None),
    ],
)
def test_java_versions_are_read(text: str, version: int | None) -> None:
    assert parse_version(text) == version


def test_a_fit_java_is_accepted(fake_java: FakeJava) -> None:
    fake_java.prints('Picked up _JAVA_OPTIONS: -Da=b\nopenjdk version "17.0.1"')
    assert doctor.java().ok
    assert require_java() == fake_java.file


@pytest.mark.parametrize(
    ("text", "code", "found"),
    [('openjdk version "11.0.2"', 0, "Java 11"), ("broken", 1, "does not run"), ("hello", 0, "does not run")],
)
def test_an_unfit_java_is_said_with_how_to_mend(fake_java: FakeJava, text: str, code: int, found: str) -> None:
    fake_java.prints(text, code)
    finding = doctor.java()
    assert not finding.ok
    assert found in finding.what and "17" in finding.what
    assert "install" in finding.mend
    with pytest.raises(MissingRequirementError, match=found):
        require_java()


def test_no_java_is_said(fake_java: FakeJava, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no java on the PATH" in doctor.java().what
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert "JAVA_HOME=/nowhere has no bin/java" in doctor.java().what


def test_an_old_python_is_said() -> None:
    assert not doctor.python((3, 9, 2)).ok
    assert doctor.python((3, 10, 0)).ok


def test_packages_are_held_against_their_pins() -> None:
    installed = {"pyspark": "4.2.0", "numpy": "2.3"}

    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    assert doctor.packages(["pyspark==4.2.0", "numpy<2.5,>=2.2"], version).ok
    wrong = doctor.packages(["pyspark==4.2.1", "redis==8.1.0"], version)
    assert wrong.what == "pyspark is 4.2.0, not 4.2.1; redis is missing"


def test_little_room_is_said(tmp_path: Path) -> None:
    assert doctor.disk(tmp_path / "not" / "yet", least=1).ok
    assert not doctor.disk(tmp_path, least=1 << 60).ok
    assert not doctor.memory(least=1 << 60).ok


def test_a_busy_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        finding = doctor.api_port(load_config(env={"STYLESTREAM_SERVING__PORT": str(port)}))
    assert not finding.ok and "busy" in finding.what and "PORT=" in finding.mend
    assert doctor.api_port(load_config(env={"STYLESTREAM_SERVING__PORT": str(any_port())})).ok


def test_the_command_ends_with_3_and_names_the_mend(fake_java: FakeJava) -> None:
    fake_java.prints('openjdk version "11.0.2"')
    result = CliRunner().invoke(stylestream, ["doctor"])
    assert result.exit_code == 3
    assert "Java 11" in result.output and "-> install a Java" in result.output
