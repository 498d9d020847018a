"""Lets the venv's own `spark-submit` find the connectors, by a `spark-defaults.conf` beside pyspark."""

import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from common.jars import class_path
from common.session import DEFAULTS
from local.ivy import pyspark_home

HEADER = """\
# Written by 'stylestream setup' for the spark-submit of this virtual environment; rewritten at each setup.
# It puts the Kafka and Delta connectors on the class path, so that no --packages is needed, and runs Python
# workers with its interpreter. Activate the environment first (. .venv/bin/activate): spark-submit looks for
# pyspark by the python3 of the PATH. For settings of your own, set SPARK_CONF_DIR to their folder.
"""


def write_spark_defaults() -> Path | None:
    """Writes the file and returns its path; None where it is not ours to write.

    Ours is a pyspark inside the virtual environment that runs this code and holds this package, and a file
    that is absent or starts with our header. The jars must be in the cache.
    """
    home = pyspark_home()
    if sys.prefix == sys.base_prefix or not home.is_relative_to(sys.prefix) or not _installed():
        return None
    file = home / "conf" / "spark-defaults.conf"
    if file.exists() and not file.read_text(encoding="utf-8").startswith(HEADER.splitlines()[0]):
        return None
    properties = {
        "spark.driver.extraClassPath": class_path(),
        "spark.executor.extraClassPath": class_path(),
        "spark.pyspark.python": sys.executable,
        "spark.driver.extraJavaOptions": DEFAULTS["spark.driver.extraJavaOptions"],
    }
    file.parent.mkdir(exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(HEADER + "".join(f"{name} {value}\n" for name, value in properties.items()), encoding="utf-8")
    fresh.replace(file)
    return file


def _installed() -> bool:
    try:
        distribution("stylestream")
    except PackageNotFoundError:
        return False
    return True
