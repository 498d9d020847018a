"""The API. Its processes share counters by a variable that prometheus_client reads when it is imported
(`serving.workers`): one that the environment has for other programs is not meant for us, ours is told by its name."""

import os
from pathlib import Path
from typing import Final

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
FOLDER: Final = "stylestream-metrics-"

if not Path(os.environ.get(SHARED, "")).name.startswith(FOLDER):
    os.environ.pop(SHARED, None)
