"""Every error that this project raises on purpose. Each says what was wrong, where, and what to do next."""


class KimberleyError(Exception):
    """Base of all; `exit_status` is what the command line ends with."""

    exit_status = 2


class ConfigurationError(KimberleyError):
    """A setting, a file or a topic is not as it must be; the message says which and how to mend it."""


class ServiceUnavailableError(KimberleyError):
    """A broker or registry could not be reached; trying again later is right."""

    exit_status = 3


class UnreadableRecordError(KimberleyError):
    """A record that cannot become an event: a dead letter. `stage` is one of frame, schema, decode, envelope, signature, process."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


class RefusedEventError(KimberleyError):
    """A well-formed event refused on its own terms. `errors` holds (code, field, message) for each fault found."""

    exit_status = 1

    def __init__(self, errors: list[tuple[str, str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" if field else message for _, field, message in errors))
        self.errors = errors
