"""Files of real data, replayed as events. Nothing of the data is part of this project: bring the file.

`WATERMARK` is how late the stream must take events for a replay at full speed to count every row. Keys differ
in how their rows spread over the year, so partitions read in proportion to their size drift apart in event
time, and Spark's watermark follows the newest. The drift, worked out over each file with librdkafka's
partitioner and batches of 5,000 to 100,000 records, in days:

| partitions | 2 | 4 | 8 | 24 |
|---|---|---|---|---|
| online-retail | 26 | 53 | 69 | 139 |
| eshop-clothing | 4 | 6 | 10 | 17 |

The figures below hold for up to 8 partitions with a margin for what the sender still has in its buffers (at
most `local.produce.BUFFERED` records). With more partitions, or at a real clock's pace, choose your own.
"""

from pathlib import Path

from common.errors import ConfigError
from local.datasets import eshop_clothing, online_retail
from local.datasets.source import Dataset

DATASETS = (online_retail.NAME, eshop_clothing.NAME)
WATERMARK = {online_retail.NAME: "90 days", eshop_clothing.NAME: "14 days"}


def load(name: str, path: Path, with_views: bool = False) -> Dataset:
    """The dataset `name` from the file at `path`; `ConfigError` in one line when either is wrong."""
    if name not in DATASETS:
        raise ConfigError(f"unknown dataset '{name}'; known: {', '.join(DATASETS)}")
    if name == online_retail.NAME:
        return online_retail.load(path, with_views)
    return eshop_clothing.load(path)
