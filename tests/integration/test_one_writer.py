"""Streams as processes: a second one is refused, and a stop in the middle of a micro-batch is silent."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from common.config import Config
from tests.integration.test_clocks import now_ms, send, view
from tests.platform import run, running, wait_for, write_config

SIGNS_OF_TROUBLE = ("Traceback", "ERROR", "WARN", "Exception", "\tat ")


def test_a_second_stream_is_refused_and_sigterm_in_a_micro_batch_prints_no_trace(
    config: Config, tmp_path: Path
) -> None:
    slow = dataclasses.replace(config.streaming, max_offsets_per_trigger=20)
    config = dataclasses.replace(config, streaming=slow)
    conf, log, start = write_config(config, tmp_path), tmp_path / "stream.log", now_ms()
    send(config, [(start, view(f"e-{n}", start - n)) for n in range(2000)])
    with running(["stream", "facts"], conf, log) as process:
        committed = Path(config.checkpoint_path) / "facts" / "commits"
        wait_for("some micro-batches", lambda: (committed / "3").exists(), 180)
        second = run(["stream", "facts"], conf)
        assert (second.returncode, second.stdout) == (1, "")
        (line,) = second.stderr.splitlines()
        assert f"stylestream: 'stream facts' is running already: process {process.pid} on " in line
        batches = len(list(committed.iterdir()))
        wait_for("another micro-batch", lambda: len(list(committed.iterdir())) > batches, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    said = log.read_text(encoding="utf-8")
    assert [line for line in said.splitlines() if any(sign in line for sign in SIGNS_OF_TROUBLE)] == []
    assert (Path(config.state_dir) / "logs" / "spark-stream-facts.log").read_text() != ""


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_sigterm_to_the_whole_group_while_spark_starts_is_silent_and_no_failure(
    config: Config, tmp_path: Path, seconds: float
) -> None:
    conf, log = write_config(config, tmp_path), tmp_path / "stream.log"
    with running(["stream", "lake"], conf, log) as process:
        us = psutil.Process(process.pid)
        wait_for("Spark's JVM", lambda: any("java" in child.name() for child in us.children()), 60)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGTERM)  # as systemd does, and a shell that ends
        assert process.wait(60) == 0
    assert log.read_text(encoding="utf-8") == ""
