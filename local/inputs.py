"""Where the demo's events come from: the simulator, or a data set that is replayed."""

from dataclasses import dataclass
from pathlib import Path

from common.errors import ConfigError


@dataclass(frozen=True)
class Input:
    """The simulator at `rate` events a second, or `dataset` from the file `data` at `speed`."""

    dataset: str | None = None
    data: str | None = None
    rate: int | None = None
    speed: str | None = None

    def check(self) -> "Input":
        """Itself; `ConfigError` when the parts do not fit together."""
        from local.datasets import WATERMARK

        if self.dataset is None:
            if self.data is not None:
                raise ConfigError(f"DATA needs DATASET, one of: {', '.join(WATERMARK)}")
            return self
        if self.dataset not in WATERMARK:
            raise ConfigError(f"DATASET={self.dataset} is not known; one of: {', '.join(WATERMARK)}")
        if self.data is None or not Path(self.data).is_file():
            raise ConfigError(f"DATASET={self.dataset} needs DATA=its file; there is no file {self.data or ''}".strip())
        return self

    @property
    def ends(self) -> bool:
        return self.dataset is not None

    def arguments(self) -> list[str]:
        """The command that sends the events."""
        if self.dataset is None or self.data is None:
            return ["simulate", *(["--rate", str(self.rate)] if self.rate else [])]
        speed = ["--speed", self.speed] if self.speed else []
        return ["replay", "--dataset", self.dataset, str(Path(self.data).resolve()), *speed]

    def environment(self) -> dict[str, str]:
        """A replay's partitions drift apart in event time: the data set says how far."""
        from local.datasets import WATERMARK

        return {} if self.dataset is None else {"STYLESTREAM_STREAMING__WATERMARK": WATERMARK[self.dataset]}
