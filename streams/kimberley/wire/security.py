"""How each Kafka client is told to reach the brokers: addresses, TLS, SASL, from the one settings object."""

import ssl
from typing import Any

from kafka.errors import (
    AuthorizationError,
    KafkaError,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    RecordListTooLargeError,
    SaslAuthenticationFailedError,
)

from kimberley.errors import ConfigurationError, KimberleyError, ServiceUnavailableError
from kimberley.settings import Settings


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context of the settings, None without TLS. Raises ConfigurationError that names the file at fault."""
    if settings.security_protocol not in ("SSL", "SASL_SSL"):
        return None
    for file in (settings.ssl_cafile, settings.ssl_certfile, settings.ssl_keyfile):
        if file is not None and not file.is_file():
            raise ConfigurationError(f"TLS: {file} is no file (KIMBERLEY_SSL_CAFILE, _CERTFILE, _KEYFILE)")
    try:
        context = ssl.create_default_context(cafile=settings.ssl_cafile)
        if settings.ssl_certfile:
            context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile)
    except (ssl.SSLError, OSError) as problem:
        raise ConfigurationError(f"TLS: {problem} (KIMBERLEY_SSL_CAFILE, _CERTFILE, _KEYFILE)") from None
    context.check_hostname = settings.ssl_check_hostname
    return context


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments by which kafka-python's and aiokafka's clients reach the brokers: both name them alike.

    Raises ConfigurationError where SASL is chosen without a mechanism, name or password.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in settings.bootstrap_servers.split(",")],
        "security_protocol": settings.security_protocol,
    }
    if context := ssl_context(settings):
        options["ssl_context"] = context
    if settings.security_protocol.startswith("SASL"):
        if not (settings.sasl_mechanism and settings.sasl_username and settings.sasl_password):
            raise ConfigurationError("SASL needs KIMBERLEY_SASL_MECHANISM, KIMBERLEY_SASL_USERNAME and KIMBERLEY_SASL_PASSWORD")
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password.get_secret_value()
    return options


def kafka_problem(settings: Settings, problem: KafkaError) -> KimberleyError:
    """A client's error in our words: what can't be reached, or what refuses us, and the setting to look at."""
    where = f"Kafka at {settings.bootstrap_servers}"
    if isinstance(problem, SaslAuthenticationFailedError | AuthorizationError):
        return ConfigurationError(f"{where} refuses us: {problem} (KIMBERLEY_SASL_…, and the cluster's access rules)")
    if isinstance(problem, MessageSizeTooLargeError | RecordListTooLargeError):
        return ConfigurationError(f"{where} takes no record of this size (the topic's max.message.bytes): {problem}")
    if isinstance(problem, NotEnoughReplicasError | NotEnoughReplicasAfterAppendError):
        return ServiceUnavailableError(f"{where} has fewer replicas in sync than min.insync.replicas asks for: is a broker down? {problem}")
    secured = (
        "" if settings.security_protocol == "PLAINTEXT" else ", or its TLS or SASL is not as KIMBERLEY_SECURITY_PROTOCOL and its kin say"
    )
    return ServiceUnavailableError(f"{where} does not answer{secured} (KIMBERLEY_BOOTSTRAP_SERVERS): {problem}")
