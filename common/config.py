"""Configuration as frozen dataclasses: every key, its type and its bounds.

`conf/reference.yaml` documents each key and holds its default; `common.config_load` reads and overrides it.
A value outside its bounds never gets past `common.config_load.load_config`.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from common.config_models import AlsConfig, CtrConfig, SessionsConfig
from common.config_surfaces import RecommendConfig, RelatedConfig
from common.config_types import (
    Action as Action,
)
from common.config_types import (
    Days,
    EachOnce,
    Float,
    Fraction,
    Hours,
    Int,
    Line,
    Minutes,
    Name,
    NonNegative,
    Origins,
    Port,
    Positive,
    PositiveFloat,
    Property,
    RootPath,
    RowsACall,
    Seconds,
    Strict,
    Tables,
    Text,
    Weight,
)
from common.config_types import (
    Duration as Duration,
)
from common.duration import MOST_DAYS
from common.fence import NO_FENCE, Fence


@dataclass(frozen=True)
class KafkaConfig(Strict):
    bootstrap_servers: Text
    topic_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{0,64}$")]
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: Line
    sasl_username: Line
    sasl_password: Line
    ssl_cafile: Line
    ssl_certfile: Line
    ssl_keyfile: Line
    partitions: Annotated[Int, Field(gt=0, le=10_000)]
    replication_factor: Annotated[Int, Field(gt=0, le=100)]
    retention_hours: Hours


@dataclass(frozen=True)
class RedisConfig(Strict):
    url: Text
    cluster: bool
    prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,32}$")]
    ssl_cafile: Line


@dataclass(frozen=True)
class SparkConfig(Strict):
    master: Text
    driver_memory: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}[mg]$")]
    shuffle_partitions: Annotated[Int, Field(gt=0, le=10_000)]
    local_files: bool
    conf: dict[str, Property]


@dataclass(frozen=True)
class StreamingConfig(Strict):
    queries: Annotated[list[Literal["facts", "lake", "catalog"]], Field(min_length=1), EachOnce]
    watermark: Duration
    trigger: Duration
    lake_trigger: Duration
    read_tasks: NonNegative
    max_offsets_per_trigger: Positive
    starting_offsets: Literal["earliest", "latest"]
    redis_rows_per_call: RowsACall


@dataclass(frozen=True)
class RankingConfig(Strict):
    """One ranking. `minutes` is the window's length, or the half-life of a decayed ranking."""

    name: Name
    kind: Literal["window", "decay"]
    minutes: Minutes
    weights: Annotated[dict[Action, Weight], Field(min_length=1)]


@dataclass(frozen=True)
class CorrectedConfig(Strict):
    """A ranking that is another one with its scores corrected for what is usual in a category."""

    name: Name
    of: Name


@dataclass(frozen=True)
class RateConfig(Strict):
    """A ranking by how often one action follows another, learned by the batch layer."""

    name: Name
    of: Action
    per: Action


@dataclass(frozen=True)
class CorrectionsConfig(Strict):
    days: Days
    time_zone: Text
    prior_hours: PositiveFloat
    bound: Annotated[Float, Field(ge=1)]


@dataclass(frozen=True)
class RankingsConfig(Strict):
    retention_hours: Hours
    segment_minutes: Annotated[Int, Field(gt=0, le=60)]
    per_user: Positive
    definitions: Annotated[list[RankingConfig], Field(min_length=1)]
    corrected: list[CorrectedConfig]
    rates: list[RateConfig]
    corrections: CorrectionsConfig


@dataclass(frozen=True)
class ProfileConfig(Strict):
    facts_kept: Positive
    recent_actions: Positive
    ttl_hours: Hours
    half_life_minutes: PositiveFloat
    weights: Annotated[dict[Action, Weight], Field(min_length=1)]


@dataclass(frozen=True)
class ApiKey(Strict):
    key_sha256: Annotated[Line, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[list[Literal["ingest", "read", "fraud", "admin"]], Field(min_length=1), EachOnce]


@dataclass(frozen=True)
class ServingConfig(Strict):
    host: Text
    port: Port
    root_path: RootPath
    workers: Annotated[Int, Field(gt=0, le=256)]
    api_keys: list[ApiKey]
    cors_origins: Origins
    max_body_bytes: Positive
    max_events_per_request: Positive
    max_event_age_days: Days
    max_categories: Positive
    requests_per_second: Positive
    keep_alive_seconds: Annotated[Int, Field(gt=0, le=86_400)]
    ack_timeout_seconds: Seconds


@dataclass(frozen=True)
class SimulatorConfig(Strict):
    rate: Positive
    seed: NonNegative
    users: Positive
    items: Positive
    history_minutes: Annotated[Int, Field(ge=0, le=MOST_DAYS * 1440)]
    malformed_fraction: Fraction
    duplicate_fraction: Fraction
    late_fraction: Fraction


@dataclass(frozen=True)
class KeywordsConfig(Strict):
    """Trending keywords. `min_score` is a z, `dispersion` a Gamma shape (see `common.models.trend`)."""

    window_minutes: Annotated[Int, Field(gt=0, le=60)]
    half_life_minutes: Annotated[Minutes, Field(ge=10)]
    min_users: Positive
    min_score: PositiveFloat
    dispersion: PositiveFloat
    prior_searches: PositiveFloat
    prior_minutes: PositiveFloat
    max_length: Annotated[Int, Field(gt=0, le=200)]
    keep: Positive
    retention_minutes: Annotated[Minutes, Field(ge=60)]
    history_days: Days
    blocklist: list[Text]


@dataclass(frozen=True)
class Config(Strict):
    """The whole configuration, validated. See `conf/reference.yaml` for what each key means."""

    state_dir: Text
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    lake_path: Tables
    checkpoint_path: Text
    kafka: KafkaConfig
    redis: RedisConfig
    spark: SparkConfig
    streaming: StreamingConfig
    rankings: RankingsConfig
    profile: ProfileConfig
    recommend: RecommendConfig
    related: RelatedConfig
    als: AlsConfig
    ctr: CtrConfig
    sessions: SessionsConfig
    serving: ServingConfig
    simulator: SimulatorConfig
    keywords: KeywordsConfig
    fence: Fence = NO_FENCE  # of no file: what this process shows when it writes (`common.lease`)

    def as_tree(self) -> dict[str, Any]:
        """What a configuration file would say."""
        return {name: value for name, value in asdict(self).items() if name != "fence"}

    def topic(self, name: str) -> str:
        """The Kafka name of one of our topics."""
        return f"{self.kafka.topic_prefix}{name}"
