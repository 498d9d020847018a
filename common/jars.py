"""Which jars Spark needs beyond its own, and where they are kept.

Only these stand on the class path: the whole of what Ivy resolves would put an older Jackson before
Spark's. `local.jars` fetches them; `spark-submit --packages` works as well and needs none of this.
"""

import os
from pathlib import Path

from common.errors import MissingRequirementError

SPARK_PACKAGES = (
    ("org.apache.spark", "spark-sql-kafka-0-10_2.13", "4.2.0"),
    ("io.delta", "delta-spark_4.2_2.13", "4.4.0"),
    ("com.globalmentor", "hadoop-bare-naked-local-fs", "0.1.0"),
)
CLASS_PATH = (
    "spark-sql-kafka-0-10_2.13-4.2.0.jar",
    "spark-token-provider-kafka-0-10_2.13-4.2.0.jar",
    "kafka-clients-3.9.2.jar",
    "commons-pool2-2.13.1.jar",
    "delta-spark_4.2_2.13-4.4.0.jar",
    "delta-storage-4.4.0.jar",
    "delta-kernel-api-4.4.0.jar",
    "delta-kernel-defaults-4.4.0.jar",
    "delta-kernel-unitycatalog-4.4.0.jar",
    "unitycatalog-client-0.6.0.jar",
    "unitycatalog-hadoop-0.6.0.jar",
    "hadoop-bare-naked-local-fs-0.1.0.jar",
)

UNFIT = f"{os.pathsep}[]()\\\n"  # part the class path, or mean something in the patterns of Ivy's file names


def cache_dir() -> Path:
    """Where downloads are kept: `STYLESTREAM_CACHE`, else `~/.cache/stylestream`.

    `MissingRequirementError` without a home folder, and for signs that part the entries of Java's class path.
    """
    given = os.environ.get("STYLESTREAM_CACHE")
    try:
        folder = Path(given).absolute() if given else Path.home() / ".cache" / "stylestream"
    except RuntimeError:
        raise MissingRequirementError("there is no home folder (HOME): set STYLESTREAM_CACHE to a folder") from None
    if bad := next((sign for sign in str(folder) if sign in UNFIT), None):
        raise MissingRequirementError(
            f"the cache {folder} has {bad!r} in its path, with which Java does not find jars:"
            " set STYLESTREAM_CACHE to another folder"
        )
    return folder


def class_path() -> str:
    """The jars joined for `spark.driver.extraClassPath`; `MissingRequirementError` when one is not there."""
    folder = cache_dir() / "spark-jars"
    missing = [name for name in CLASS_PATH if not (folder / name).is_file()]
    if missing:
        raise MissingRequirementError(f"Spark's connector {missing[0]} is not in {folder}: run 'make setup'")
    return os.pathsep.join(str(folder / name) for name in CLASS_PATH)
