"""Every setting of the worker and the console: one frozen object per process, read from the environment in this file only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from worker import errors

PREFIX = "AFTERTAG_"

SCHEMES = {"database_url": ("postgresql", "postgres", "postgresql+psycopg"), "redis_url": ("redis", "rediss")}

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Settings(BaseModel):
    """The environment variable of a field is AFTERTAG_ and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: SecretStr | None = Field(None, description="PostgreSQL to use; unset: the embedded one.")
    redis_url: SecretStr | None = Field(None, description="Redis to use; unset: the embedded one.")
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("aftertag")),
        description="Where the embedded services keep what they store.",
    )
    redis_engine: Literal["auto", "redis", "fake"] = Field(
        "auto",
        description="Which embedded Redis: the first at hand, a redis-server, or the pure Python one (for trying only).",
    )
    threads: Count = Field(16, description="Celery threads of a worker process.")
    calls_in_flight: Count = Field(512, description="Model calls of a worker process under way at once.")
    calls_in_flight_per_endpoint: Annotated[int, Field(ge=0)] = Field(
        0, description="The same for one endpoint, so that a hung one cannot take all; 0: half of calls_in_flight."
    )
    calls_ready: Count = Field(
        64, description="Classifications claimed ahead of a free place among the calls, per endpoint."
    )
    call_timeout_seconds: Seconds = Field(30, description="The deadline of one model call.")
    wait_seconds: Seconds = Field(10, description="How long a claimed classification may wait for its call to start.")
    write_seconds: Seconds = Field(
        10, description="What a lease leaves for writing the tags after the call's deadline."
    )
    drain_seconds: Annotated[float, Field(ge=0, le=3_600)] = Field(
        20,
        description="How long a stopping worker finishes its calls, or a server its requests, before the rest is left.",
    )
    sweep_seconds: Seconds = Field(5, description="How often the beat starts a sweep.")
    ring_again_seconds: Seconds = Field(
        30, description="How long a bell may stay unanswered before the sweep rings again."
    )
    probe_seconds: Seconds = Field(30, description="How long an endpoint that refuses our key or credit is left alone.")
    upkeep_seconds: Seconds = Field(300, description="How often the beat makes days ahead and drops what has expired.")
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = Field(400, description="Days that generations are kept.")
    past_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        30, description="How old a generation may be when it comes in; older ones are set aside (import takes any age)."
    )
    redact: str | None = Field(
        None,
        description="Your function over every text before it is stored, text to text, as package.module:function.",
    )
    estimate_cost: Literal["on", "off"] = Field(
        "on",
        description="Whether a cost that nobody reports is estimated from the model's public price; off: it is unknown.",
    )
    visibility_timeout_seconds: Seconds = Field(
        30, description="When Redis gives an unacknowledged message of a dead worker to another."
    )
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        0, description="Port of a worker's or server's metrics, each further process of a server one higher; 0: off."
    )
    metrics_host: str = Field("127.0.0.1", description="Address the metrics are served on.")
    http_host: str = Field("127.0.0.1", description="Address that `aftertag serve` takes generations on.")
    http_port: Annotated[int, Field(ge=0, le=65_535)] = Field(8787, description="Its port; 0: any free one.")
    http_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Processes that `aftertag serve` takes them with; one computes on one core."
    )
    http_body_bytes: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = Field(
        20_000_000, description="The largest body that it reads, also after unpacking."
    )
    http_generations: Count = Field(10_000, description="The most generations that one request may hold.")
    http_generations_per_minute: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        300_000,
        description="What one key may bring in at each server process, a minute's worth of it at once; 0: no limit.",
    )
    log_format: Literal["auto", "json", "pretty"] = Field(
        "auto", description="Form of the logs; auto: pretty on a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe log line shown."
    )

    @field_validator("database_url", "redis_url", "redact", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None

    @field_validator("database_url", "redis_url")
    @classmethod
    def _is_an_address(cls, url: SecretStr | None, field: ValidationInfo) -> SecretStr | None:
        schemes = SCHEMES[str(field.field_name)]
        if url is not None and not url.get_secret_value().startswith(tuple(f"{one}://" for one in schemes)):
            raise ValueError(f"it has to begin with {' or '.join(f'{one}://' for one in schemes)}")
        return url

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the AFTERTAG_ variables; raise SettingsError naming the variable that is unusable."""
        given: dict[str, Any] = {
            name: environ[PREFIX + name.upper()] for name in cls.model_fields if PREFIX + name.upper() in environ
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            name = str(first["loc"][0])
            found = "" if name.endswith("_url") else f" is {first['input']!r}"
            why = first["msg"].removeprefix("Value error, ")
            raise errors.SettingsError(f"{PREFIX}{name.upper()}{found}: {why}.") from None

    @property
    def places_per_endpoint(self) -> int:
        return self.calls_in_flight_per_endpoint or max(1, self.calls_in_flight // 2)

    @property
    def lease_seconds(self) -> float:
        """A lease outlasts the wait for a place, the call's deadline and the write."""
        return self.wait_seconds + self.call_timeout_seconds + self.write_seconds
