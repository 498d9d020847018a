"""Finds Java the way Spark does and reads its version."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from common.errors import MissingRequirementError

OLDEST = 17
MEND = f"install a Java runtime >= {OLDEST} (e.g. apt-get install default-jre-headless) or set JAVA_HOME"


def find_java() -> Path | None:
    """`$JAVA_HOME/bin/java` when JAVA_HOME is set, else `java` on the PATH; None when there is none."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        return java if os.access(java, os.X_OK) else None
    found = shutil.which("java")
    return Path(found) if found else None


def java_version(java: Path) -> int | None:
    """The feature version (8, 17, 21…) that this java prints; None when it does not run or prints none."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stderr + done.stdout) if done.returncode == 0 else None


def parse_version(text: str) -> int | None:
    """Feature version from what `java -version` prints: `"1.8.0_392"` is 8, `"21"` is 21, `"25-ea"` is 25."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def describe_java() -> tuple[bool, str]:
    """Whether a fit Java was found, and what was found."""
    home = os.environ.get("JAVA_HOME")
    java = find_java()
    if java is None:
        return False, f"JAVA_HOME={home} has no bin/java" if home else "no java on the PATH"
    version = java_version(java)
    if version is None:
        return False, f"{java} does not run as a Java"
    return version >= OLDEST, f"Java {version} at {java}"


def require_java() -> Path:
    """The java to run; `MissingRequirementError` when it is missing or too old."""
    ok, what = describe_java()
    java = find_java()
    if not ok or java is None:
        raise MissingRequirementError(f"{what}, but Java >= {OLDEST} is needed: {MEND}")
    return java
