"""A real standalone Spark cluster on loopback: one master, two workers, stopped at the end."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from local.process import any_port
from tests.platform import SHORT_LIVED, wait_for

SPARK = Path(pyspark.__file__).parent


def environment() -> dict[str, str]:
    """The venv first on the path, as after activating it. Six JVMs start at once and none lives long."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"SPARK_HOME": str(SPARK), "PATH": path, "PYSPARK_PYTHON": sys.executable, **SHORT_LIVED}


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Yields the master's address, `spark://127.0.0.1:PORT`, with two workers of one core registered."""
    port, page = any_port(), any_port()
    master = f"spark://127.0.0.1:{port}"
    package = "org.apache.spark.deploy"
    here = ["--host", "127.0.0.1"]
    commands = [[f"{package}.master.Master", *here, "--port", str(port), "--webui-port", str(page)]]
    for number in (1, 2):
        work = ["--work-dir", str(folder / f"worker{number}"), "--webui-port", "0"]
        commands.append([f"{package}.worker.Worker", *here, "--cores", "1", "--memory", "1g", *work, master])
    started = []
    try:
        for command in commands:
            with (folder / "cluster.log").open("ab") as log:
                spark_class = [str(SPARK / "bin" / "spark-class"), *command]
                started.append(subprocess.Popen(spark_class, env=environment(), stdout=log, stderr=log))
        wait_for("two workers", lambda: _workers(page) == 2, 60)
        yield master
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(20)


def _workers(page: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
            return answer.read().count(b'"state" : "ALIVE"')
    except OSError:
        return 0


def spark_submit(master: str, script: str, conf: Path, log: Path) -> subprocess.Popen[bytes]:
    """`spark-submit --master MASTER SCRIPT --conf CONF`, as a data engineer types it."""
    command = [str(SPARK / "bin" / "spark-submit"), "--master", master]
    command += ["--conf", "spark.executor.memory=512m", "--conf", "spark.driver.host=127.0.0.1"]
    with log.open("ab") as out:
        return subprocess.Popen([*command, script, "--conf", str(conf)], env=environment(), stdout=out, stderr=out)
