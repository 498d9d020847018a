"""Configuration as frozen dataclasses: every key, its type and its bounds.

`conf/reference.yaml` documents each key and holds its default; `common.config_load` reads and overrides it.
A value outside its bounds never gets past `common.config_load.load_config`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from common.config_models import AlsConfig, CtrConfig, SessionsConfig
from common.config_surfaces import RecommendConfig, RelatedConfig
from common.config_types import (
    Action as Action,
)
from common.config_types import (
    Duration as Duration,
)
from common.config_types import (
    Fraction,
    Name,
    NonNegative,
    Port,
    Positive,
    PositiveFloat,
    RowsACall,
    Strict,
    Text,
    Weight,
)


@dataclass(frozen=True)
class KafkaConfig(Strict):
    bootstrap_servers: Text
    topic_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{0,64}$")]
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: str
    sasl_username: str
    sasl_password: str
    ssl_cafile: str
    ssl_certfile: str
    ssl_keyfile: str
    partitions: Positive
    replication_factor: Positive
    retention_hours: Positive


@dataclass(frozen=True)
class RedisConfig(Strict):
    url: Text
    cluster: bool
    prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,32}$")]
    ssl_cafile: str


@dataclass(frozen=True)
class SparkConfig(Strict):
    master: Text
    driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")]
    shuffle_partitions: Positive
    local_files: bool
    conf: dict[str, str]


@dataclass(frozen=True)
class StreamingConfig(Strict):
    queries: Annotated[list[Literal["facts", "lake", "catalog"]], Field(min_length=1)]
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
    minutes: Positive
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
    days: Positive
    time_zone: Text
    prior_hours: PositiveFloat
    bound: Annotated[float, Field(ge=1, allow_inf_nan=False)]


@dataclass(frozen=True)
class RankingsConfig(Strict):
    retention_hours: Positive
    segment_minutes: Annotated[int, Field(gt=0, le=60)]
    per_user: Positive
    definitions: Annotated[list[RankingConfig], Field(min_length=1)]
    corrected: list[CorrectedConfig]
    rates: list[RateConfig]
    corrections: CorrectionsConfig


@dataclass(frozen=True)
class ProfileConfig(Strict):
    facts_kept: Positive
    recent_actions: Positive
    ttl_hours: Positive
    half_life_minutes: PositiveFloat
    weights: Annotated[dict[Action, Weight], Field(min_length=1)]


@dataclass(frozen=True)
class ApiKey(Strict):
    key_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[list[Literal["ingest", "read", "fraud", "admin"]], Field(min_length=1)]


@dataclass(frozen=True)
class ServingConfig(Strict):
    host: Text
    port: Port
    workers: Positive
    api_keys: list[ApiKey]
    max_body_bytes: Positive
    max_events_per_request: Positive
    requests_per_second: Positive
    ack_timeout_seconds: PositiveFloat


@dataclass(frozen=True)
class SimulatorConfig(Strict):
    rate: Positive
    seed: NonNegative
    users: Positive
    items: Positive
    history_minutes: NonNegative
    malformed_fraction: Fraction
    duplicate_fraction: Fraction
    late_fraction: Fraction


@dataclass(frozen=True)
class KeywordsConfig(Strict):
    """Trending keywords. `min_score` is a z, `dispersion` a Gamma shape (see `common.models.trend`)."""

    window_minutes: Annotated[int, Field(gt=0, le=60)]
    half_life_minutes: Annotated[int, Field(ge=10)]
    min_users: Positive
    min_score: PositiveFloat
    dispersion: PositiveFloat
    prior_searches: PositiveFloat
    prior_minutes: PositiveFloat
    max_length: Annotated[int, Field(gt=0, le=200)]
    keep: Positive
    retention_minutes: Annotated[int, Field(ge=60)]
    history_days: Positive
    blocklist: list[Text]


@dataclass(frozen=True)
class Config(Strict):
    """The whole configuration, validated. See `conf/reference.yaml` for what each key means."""

    state_dir: Text
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    lake_path: Text
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

    def topic(self, name: str) -> str:
        """The Kafka name of one of our topics."""
        return f"{self.kafka.topic_prefix}{name}"
