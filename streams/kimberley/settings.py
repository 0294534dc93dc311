"""One settings object for every command: environment variables `KIMBERLEY_…` first, then a TOML file, then the defaults here."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from kimberley.errors import ConfigurationError

DEFAULT_FILE = "kimberley.toml"


class Settings(BaseSettings):
    """What a deployment chooses. Times are in seconds, sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="KIMBERLEY_", extra="forbid")

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka brokers, host:port separated by commas")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = Field(None, description="PEM file of the authorities that sign the brokers' certificates")
    ssl_certfile: Path | None = Field(None, description="PEM file of this client's certificate")
    ssl_keyfile: Path | None = Field(None, description="PEM file of this client's key")
    ssl_check_hostname: bool = True

    registry_url: str | None = Field(None, description="a Confluent-compatible schema registry; without one the files serve")
    registry_username: str | None = None
    registry_password: SecretStr | None = None
    registry_cafile: Path | None = None
    schema_directory: Path | None = Field(None, description="schema files to use instead of those that ship")

    prefix: str = Field(
        "kimberley", pattern=r"^[a-z0-9._-]+$", description="prefix of internal topics, consumer group and transactional ids"
    )
    partitions: int = Field(12, ge=1, le=10_000, description="partitions of the event, alert, decision and internal topics")
    replication_factor: int = Field(1, ge=1)
    min_insync_replicas: int = Field(1, ge=1)
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"

    delivery: Literal["auto", "exactly_once", "at_least_once"] = Field(
        "auto", description="auto: exactly once where the broker has transactions, else at least once"
    )
    batch_records: int = Field(1000, ge=1, le=100_000, description="most records judged in one transaction")
    session_timeout: float = Field(10.0, gt=0)
    clock_skew_minutes: int = Field(10, ge=0, description="how far an event may lie after its record's own timestamp")

    rulebook: Path | None = Field(None, description="a rulebook file instead of the one that ships")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
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
        file = Path(os.environ.get("KIMBERLEY_SETTINGS_FILE", DEFAULT_FILE))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file if file.is_file() else None)


def load_settings(**overrides: Any) -> Settings:
    """The settings in force. Raises ConfigurationError that names each setting at fault, how it was given, and what is wrong with it."""
    named = os.environ.get("KIMBERLEY_SETTINGS_FILE")
    if named and not Path(named).is_file():
        raise ConfigurationError(f"KIMBERLEY_SETTINGS_FILE names {named}, which is no file")
    known = {f"KIMBERLEY_{name.upper()}" for name in Settings.model_fields} | {"KIMBERLEY_SETTINGS_FILE"}
    for name in os.environ:
        if name.startswith("KIMBERLEY_") and name.upper() not in known and not name.startswith("KIMBERLEY_TEST_"):
            raise ConfigurationError(f"{name} is no setting; `kimberley settings` lists them")
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as problem:
        faults = "; ".join(f"KIMBERLEY_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in problem.errors(include_input=False))
        raise ConfigurationError(f"settings: {faults} (environment or {named or DEFAULT_FILE})") from None
