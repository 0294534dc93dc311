"""The limit: librdkafka, through its Python client, consumes events and produces them again; no work, no state.

run: python -m benchmarks.librdkafka BROKERS OUTPUT EVENTS INPUT…
"""

import sys

from confluent_kafka import Consumer, Producer

_MOST = 10_000


def main(bootstrap_servers: str, output: str, events: int, inputs: list[str]) -> None:
    """Pass so many events on, then end."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "librdkafka", "auto.offset.reset": "earliest"})
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 20})
    consumer.subscribe(inputs)
    passed = 0
    while passed < events:
        for message in consumer.consume(_MOST, 0.1):
            if message.error():
                raise SystemExit(str(message.error()))
            while True:
                try:
                    producer.produce(output, key=message.key(), value=message.value(), partition=message.partition() or 0)
                    break
                except BufferError:
                    producer.poll(0.01)
            passed += 1
        producer.poll(0)
    producer.flush()
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
