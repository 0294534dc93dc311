"""One settings object for every command: environment variables `KIMBERLEY_…` first, then a TOML file, then the defaults here."""

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from kimberley.errors import ConfigurationError

DEFAULT_FILE = "kimberley.toml"
MONITOR_OFF = -1


class Settings(BaseSettings):
    """What a deployment chooses. Times are in seconds, sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="KIMBERLEY_", extra="forbid")

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka brokers, host:port separated by commas")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how the brokers are reached: in the clear or by TLS, with or without SASL"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="how this client proves who it is, with the SASL protocols"
    )
    sasl_username: str | None = Field(None, description="user name for SASL")
    sasl_password: SecretStr | None = Field(None, description="password for SASL; better in the environment than in the file")
    ssl_cafile: Path | None = Field(None, description="PEM file of the authorities that sign the brokers' certificates")
    ssl_certfile: Path | None = Field(None, description="PEM file of this client's certificate")
    ssl_keyfile: Path | None = Field(None, description="PEM file of this client's key")
    ssl_check_hostname: bool = Field(True, description="whether a broker's certificate must name the host that was asked")

    registry_url: str | None = Field(None, description="a Confluent-compatible schema registry; without one the files serve")
    registry_username: str | None = Field(None, description="user name for the registry")
    registry_password: SecretStr | None = Field(None, description="password for the registry")
    registry_cafile: Path | None = Field(None, description="PEM file of the authorities that sign the registry's certificate")
    schema_directory: Path | None = Field(None, description="schema files to use instead of those that ship")

    prefix: str = Field(
        "kimberley", pattern=r"^[a-z0-9._-]+$", description="prefix of internal topics, consumer group and transactional ids"
    )
    partitions: int = Field(12, ge=1, le=10_000, description="partitions of the event, alert, decision and internal topics")
    replication_factor: int = Field(1, ge=1, description="copies of each partition that new topics get; 3 in production")
    min_insync_replicas: int = Field(1, ge=1, description="copies that must have a record before it counts as written; 2 in production")
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field("none", description="compression of the topics' records")

    delivery: Literal["auto", "exactly_once", "at_least_once"] = Field(
        "auto", description="auto: exactly once where the broker has transactions, else at least once"
    )
    batch_records: int = Field(
        5000, ge=1, le=100_000, description="most records judged in one transaction; what waits is taken, so few where little comes"
    )
    session_timeout: float = Field(10.0, gt=0, description="seconds without a heartbeat after which a worker's share goes to the others")
    tick_seconds: float = Field(
        60.0,
        ge=0,
        description="how often the workers set the stream's clock, by which deadlines pass, to the time of day; 0: never, because "
        "whoever publishes history does (`kimberley.wire.control`)",
    )
    clock_skew_minutes: int = Field(10, ge=0, description="how far an event may lie after its record's own timestamp")

    monitor_host: str = Field("127.0.0.1", description="where a worker serves metrics and health; 0.0.0.0 for every address of the machine")
    monitor_port: int = Field(
        9464, ge=MONITOR_OFF, le=65_535, description="port of a worker's metrics and health; 0: any that is free (the log tells), -1: none"
    )
    stalled_seconds: float = Field(
        60.0, gt=0, description="how long records may wait with none applied before /health/live says so and the worker ends, with status 3"
    )

    rulebook: Path | None = Field(None, description="a rulebook file instead of the one that ships")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least important log lines that are shown")
    log_format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else JSON")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was given by the command line, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=settings_file())


def settings_file() -> Path | None:
    """The file that settings are read from, None where there is none. Raises ConfigurationError where the one that was named is no file."""
    named = os.environ.get("KIMBERLEY_SETTINGS_FILE")
    file = Path(named or DEFAULT_FILE)
    if file.is_file():
        return file
    if named:
        raise ConfigurationError(f"KIMBERLEY_SETTINGS_FILE names {named}, which is no file")
    return None


def load_settings(**overrides: Any) -> Settings:
    """The settings in force. Raises ConfigurationError that names each setting at fault, how it was given, and what is wrong with it."""
    file = settings_file()
    known = {f"KIMBERLEY_{name.upper()}" for name in Settings.model_fields} | {"KIMBERLEY_SETTINGS_FILE"}
    for name in os.environ:
        if name.startswith("KIMBERLEY_") and name.upper() not in known and not name.startswith("KIMBERLEY_TEST_"):
            raise ConfigurationError(f"{name} is no setting; `kimberley settings` lists them")
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as problem:
        faults = "; ".join(f"KIMBERLEY_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in problem.errors(include_input=False))
        raise ConfigurationError(f"settings: {faults} (environment or {file or DEFAULT_FILE})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise ConfigurationError(f"settings file {file}: {problem}") from None
