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
            if self.speed is not None:
                raise ConfigError("SPEED is of a replay: it needs DATASET and DATA (the simulator has RATE)")
            return self
        if self.dataset not in WATERMARK:
            raise ConfigError(f"DATASET={self.dataset} is not known; one of: {', '.join(WATERMARK)}")
        if self.data is None or not Path(self.data).is_file():
            raise ConfigError(f"DATASET={self.dataset} needs DATA=its file; there is no file {self.data or ''}".strip())
        return self

    @property
    def ends(self) -> bool:
        return self.dataset is not None

    def arguments(self, has_history: bool = False) -> list[str]:
        """The command that sends the events. Online Retail has no views, so that the view ranking would stay
        empty: the demo has each purchase preceded by a view, which the dataset's rules name."""
        if self.dataset is None or self.data is None:
            live = ["--history-minutes", "0"] if has_history else []
            return ["simulate", *(["--rate", str(self.rate)] if self.rate else []), *live]
        speed = ["--speed", self.speed] if self.speed else []
        views = ["--views"] if self.dataset == "online-retail" else []
        return ["replay", "--dataset", self.dataset, str(Path(self.data).resolve()), *speed, *views]

    def environment(self) -> dict[str, str]:
        """A replay's partitions drift apart in event time: the data set says how far. With so long a watermark
        each micro-batch looks through much state, so there are fewer and larger ones."""
        from local.datasets import WATERMARK

        if self.dataset is None:
            return {}
        return {
            "STYLESTREAM_STREAMING__WATERMARK": WATERMARK[self.dataset],
            "STYLESTREAM_STREAMING__MAX_OFFSETS_PER_TRIGGER": "500000",
            "STYLESTREAM_STREAMING__REDIS_ROWS_PER_CALL": "20000",  # popular items are summed before Redis is asked
        }
