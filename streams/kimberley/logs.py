"""Logs: key-value lines by structlog, for people on a terminal, as JSON elsewhere. Other libraries' logs take the same way."""

import logging
import sys

import structlog

from kimberley.settings import Settings


def warn_on_stderr() -> None:
    """Send our own warnings to standard error, in words, for verbs whose standard output is their answer."""
    structlog.configure(
        processors=[_from_warnings_on, structlog.processors.add_log_level, _plain_words],
        # looked up at each line, so that a redirected standard error is found
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _from_warnings_on(_: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if method in ("debug", "info"):
        raise structlog.DropEvent
    return event


def _plain_words(_: object, __: str, event: structlog.typing.EventDict) -> str:
    """`kimberley: error: alert unreadable: topic flagged-shipments, offset 5`."""
    level, name = event.pop("level"), event.pop("event")
    details = ", ".join(f"{key} {value}" for key, value in event.items())
    return f"kimberley: {level}: {str(name).replace('_', ' ')}" + (f": {details}" if details else "")


def configure_logs(settings: Settings) -> None:
    """Set up logging to standard error for this process. Libraries' own messages are shown from warnings on."""
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if console
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("kimberley").setLevel(logging.DEBUG if settings.log_level == "debug" else logging.INFO)
