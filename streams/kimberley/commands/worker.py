"""`kimberley worker`."""

import click

from kimberley.commands.pipeline_extra import of_the_extra
from kimberley.logs import configure_logs
from kimberley.settings import load_settings


@click.command()
@click.option("--bootstrap-servers", help="Kafka brokers, host:port separated by commas [KIMBERLEY_BOOTSTRAP_SERVERS]")
def worker(bootstrap_servers: str | None) -> None:
    """Run a stream worker until SIGTERM or Ctrl-C.

    It reads `certificates` and `shipments`, judges each event, and writes `decisions`, `flagged-shipments`, `open-alerts` and
    `dead-letters`: each once, in transactions, where the broker has them. Start as many as there are partitions at most; they share
    the work. It refuses to start on topics that are not as they must be (`kimberley topics check` says why) and without reference
    data (`kimberley reference load`). On SIGTERM it finishes the batch at hand and ends with status 0; whatever was not committed the
    others take over. It needs the extra `pipeline`: pip install 'kimberley[pipeline]'.

    \b
    Example:
      kimberley topics apply && kimberley reference load && kimberley worker
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    configure_logs(settings)
    of_the_extra("kimberley.pipeline.worker", "run_worker")(settings)
