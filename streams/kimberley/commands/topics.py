"""`kimberley topics`."""

import click

from kimberley.commands.output import format_option, is_jsonl, print_jsonl, print_table
from kimberley.settings import load_settings
from kimberley.wire.admin import TopicState, apply_topics, check_topics

servers_option = click.option("--bootstrap-servers", help="Kafka brokers, host:port separated by commas [KIMBERLEY_BOOTSTRAP_SERVERS]")


@click.group()
def topics() -> None:
    """Create and check the topics of the contract, public and internal.

    How many partitions and copies they get is a matter of the settings (`kimberley settings`).

    \b
    Examples:
      KIMBERLEY_PARTITIONS=12 KIMBERLEY_REPLICATION_FACTOR=3 kimberley topics apply
      kimberley topics check --format jsonl | jq 'select(.state != "present")'
    """


@topics.command()
@servers_option
@format_option
def apply(bootstrap_servers: str | None, output: str | None) -> None:
    """Create the topics that are missing.

    Topics that are there are never changed; where one is not as it must be, this says so, with what to do, and exits with status 1.
    Doing it again changes nothing.

    \b
    Example:
      kimberley topics apply --bootstrap-servers kafka-1:9092,kafka-2:9092
    """
    _report(apply_topics(load_settings(bootstrap_servers=bootstrap_servers)), output)


@topics.command()
@servers_option
@format_option
def check(bootstrap_servers: str | None, output: str | None) -> None:
    """Compare every topic with what it must be: partitions, cleanup, retention, timestamps. Changes nothing.

    Exit status 1 when one is missing or wrong; what to do about it stands beside it.

    \b
    Example:
      kimberley topics check
    """
    _report(check_topics(load_settings(bootstrap_servers=bootstrap_servers)), output)


def _report(states: list[TopicState], output: str | None) -> None:
    if is_jsonl(output):
        print_jsonl(
            {"topic": each.spec.name, "partitions": each.spec.partitions, "state": each.state, "problems": each.problems} for each in states
        )
    else:
        rows = [(each.spec.name, str(each.spec.partitions), each.state, "; ".join(each.problems) or each.spec.purpose) for each in states]
        print_table(["topic", "partitions", "state", ""], rows)
    if any(each.problems for each in states):
        raise SystemExit(1)
