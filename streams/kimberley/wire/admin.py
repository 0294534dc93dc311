"""Creating and checking topics, with kafka-python's admin client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from kimberley.errors import ConfigurationError
from kimberley.settings import Settings
from kimberley.wire.security import client_options, kafka_problem
from kimberley.wire.topics import TopicSpec, topic_specs

State = Literal["created", "present", "missing", "wrong"]


@dataclass(frozen=True, slots=True)
class TopicState:
    """How a topic stands against its spec. `problems`: one sentence each, with what to do."""

    spec: TopicSpec
    state: State
    problems: tuple[str, ...] = ()


@contextmanager
def admin_client(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client. Raises ServiceUnavailableError where no broker answers, ConfigurationError where one refuses us."""
    options = {"request_timeout_ms": 15_000, "bootstrap_timeout_ms": 15_000, **client_options(settings)}
    client = None
    try:
        client = KafkaAdminClient(client_id=f"{settings.prefix}-admin", **options)
        yield client
    except KafkaError as problem:
        raise kafka_problem(settings, problem) from None
    finally:
        if client is not None:
            client.close()


def check_topics(settings: Settings) -> list[TopicState]:
    """Every topic against its spec; changes nothing."""
    with admin_client(settings) as client:
        return [_state(spec, present) for spec, present in _present(client, topic_specs(settings))]


def apply_topics(settings: Settings) -> list[TopicState]:
    """Create the topics that are missing. Topics that are there are never changed, only reported on."""
    with admin_client(settings) as client:
        states = [_state(spec, present) for spec, present in _present(client, topic_specs(settings))]
        missing = [state.spec for state in states if state.state == "missing"]
        for spec in missing:
            _create(client, spec, settings.replication_factor)
        return [TopicState(state.spec, "created") if state.state == "missing" else state for state in states]


def require_topics(settings: Settings) -> None:
    """Raises ConfigurationError that lists what is wrong with the topics and what to run."""
    problems = [problem for state in check_topics(settings) for problem in state.problems]
    if problems:
        raise ConfigurationError("topics are not as they must be:\n  " + "\n  ".join(problems))


def _create(client: KafkaAdminClient, spec: TopicSpec, replication_factor: int) -> None:
    options = {"num_partitions": spec.partitions, "replication_factor": replication_factor, "configs": spec.config}
    try:
        client.create_topics({spec.name: options}, timeout_ms=15_000, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return  # another one was quicker; what it made is checked before a worker starts
    except KafkaError as problem:
        raise ConfigurationError(f"topic {spec.name} could not be created: {problem}") from None


def _present(client: KafkaAdminClient, specs: list[TopicSpec]) -> list[tuple[TopicSpec, dict[str, Any] | None]]:
    """Partition count and configuration of each topic that exists."""
    existing = set(client.list_topics())
    names = [spec.name for spec in specs if spec.name in existing]
    if not names:
        return [(spec, None) for spec in specs]
    counts = {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics(names)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = client.describe_configs(resources, config_filter="all").get("topic", {})
    return [
        (spec, {"partitions": counts[spec.name], "config": configs.get(spec.name, {})} if spec.name in counts else None) for spec in specs
    ]


def _state(spec: TopicSpec, present: dict[str, Any] | None) -> TopicState:
    if present is None:
        return TopicState(spec, "missing", (f"{spec.name} is missing: run `kimberley topics apply`",))
    problems = []
    if present["partitions"] != spec.partitions:
        problems.append(
            f"{spec.name} has {present['partitions']} partitions, the settings say {spec.partitions}: set KIMBERLEY_PARTITIONS to what the "
            "topics have; a certificate's events must all fall in one partition, so a grown topic must be made anew and filled again"
        )
    for key, wanted in spec.config.items():
        found = present["config"].get(key)
        value = found.get("value") if isinstance(found, dict) else found
        if value is not None and value != wanted:  # a broker that does not report a setting (the demo's) can't be held to it
            problems.append(
                f"{spec.name} has {key}={value}, it must be {wanted}: run "
                f"`kafka-configs --alter --topic {spec.name} --add-config {key}={wanted}`"
            )
    return TopicState(spec, "wrong" if problems else "present", tuple(problems))
