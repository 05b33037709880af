#!/usr/bin/env python3
"""Publishes model calls and outcomes to Laurel as JSON with confluent-kafka; see README.md for how to run it.

Prints one line of JSON for each event and outcome that Kafka acknowledged: its identity.
"""

import argparse
import json
import os
import sys
import time
import uuid

from confluent_kafka import Producer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split(";")[0])
    parser.add_argument("--brokers", default=os.environ.get("KAFKA_BROKERS", "localhost:9092"), metavar="HOST:PORT,…")
    parser.add_argument("--topic", default="usage.events.v1")
    parser.add_argument("--source", default="example-python", help="the publishing tool")
    parser.add_argument("--user", default="example-user", help="a stable pseudonym, never an e-mail address")
    parser.add_argument("--count", type=int, default=9, help="how many events to publish")
    parser.add_argument("--outcomes", type=int, default=0, help="how many outcomes to publish after them")
    parser.add_argument("--outcomes-topic", default="usage.outcomes.v1")
    return parser.parse_args()


def usage_event(source: str, user: str, at: int) -> dict:
    """One event in the documented JSON. Classes that are left out are 0; the classes never overlap."""
    return {
        # Made once: a retry repeats (source, event_id, user_id, occurred_at), and Laurel counts it once.
        "event_id": str(uuid.uuid4()),
        "source": source,
        "occurred_at": time.time_ns() // 1_000_000,
        "user_id": user,
        "session_id": "session-1",
        "provider": "anthropic",
        "model": "claude-sonnet-5",
        "tokens": {"input": 12 + at, "cache_read": 9000, "cache_write_5m": 450, "output": 300, "reasoning": 40},
        "origin": "main",
        "attributes": {"language": "python"},
    }


def outcome(source: str, user: str) -> dict:
    """Edits that a tool suggested and the person took, gathered."""
    return {
        # Made once, as above.
        "event_id": str(uuid.uuid4()),
        "source": source,
        "occurred_at": time.time_ns() // 1_000_000,
        "user_id": user,
        "session_id": "session-1",
        "kind": "edit_accepted",
        "quantity": 3,
    }


def main() -> int:
    options = arguments()
    producer = Producer(
        {
            "bootstrap.servers": options.brokers,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            # The Java client's way to choose a partition, so that a person's events stay together.
            "partitioner": "murmur2_random",
        }
    )
    failed = []

    def delivered(event: dict):
        def report(error, _message) -> None:
            if error is not None:
                failed.append(event)
                print(f"{event['event_id']}: {error}", file=sys.stderr)
                return
            identity = {name: event[name] for name in ("source", "event_id", "user_id", "occurred_at")}
            print(json.dumps(identity), flush=True)

        return report

    records = [(options.topic, usage_event(options.source, options.user, at)) for at in range(options.count)]
    records += [(options.outcomes_topic, outcome(options.source, options.user)) for _ in range(options.outcomes)]
    for topic, event in records:
        while True:
            try:
                producer.produce(
                    topic,
                    key=event["user_id"],
                    value=json.dumps(event),
                    headers={"content-type": "application/json"},
                    on_delivery=delivered(event),
                )
                break
            except BufferError:  # the queue is full: serve deliveries until there is room
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(30)
    return 1 if failed or left else 0


if __name__ == "__main__":
    sys.exit(main())
