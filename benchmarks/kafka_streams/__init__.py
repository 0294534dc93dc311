"""Kafka Streams with state and nothing to do, as a limit: its jars come from Maven Central, its source is run as it is."""

from pathlib import Path

from support.java import fetched_jars

_HERE = Path(__file__).parent


def command(bootstrap_servers: str, folder: Path, output: str, *inputs: str) -> list[str]:
    """What runs it. Fetches the jars with Maven where they are not here yet."""
    jars = fetched_jars(_HERE / "pom.xml")
    logging = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    java = ["java", logging, "-Xmx512m", "-cp", f"{jars}/*", str(_HERE / "PassThrough.java")]
    return [*java, bootstrap_servers, str(folder), output, *inputs]
