#!/usr/bin/env python3
"""Follows Laurel's titles with confluent-kafka and fastavro; see README.md for how to run it.

It knows the schemas and nothing else of Laurel. Prints one line of JSON for each record, and at the end one with the
holders: {"holders": {"<key>": [...]}}.
"""

import argparse
import io
import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

import fastavro
from confluent_kafka import Consumer, KafkaException
from fastavro.schema import fingerprint, to_parsing_canonical_form

AWARDS = "titles.awards.v1"
HOLDERS = "titles.holders.v1"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split(";")[0])
    parser.add_argument("--brokers", default=os.environ.get("KAFKA_BROKERS", "localhost:9092"), metavar="HOST:PORT,…")
    parser.add_argument("--schemas", type=Path, default=Path("schemas/avro"), help="folder of the .avsc files")
    parser.add_argument("--group", default=f"laurel-example-{uuid.uuid4()}", help="go on where this group stopped")
    parser.add_argument("--max", type=int, default=None, help="stop after so many records")
    parser.add_argument("--idle-seconds", type=float, default=None, help="stop when nothing came for so long")
    return parser.parse_args()


def without_logical_types(schema):
    """Times stay numbers (milliseconds since the epoch), which JSON has; fastavro would make them datetimes."""
    if isinstance(schema, list):
        return [without_logical_types(one) for one in schema]
    if isinstance(schema, dict):
        return {name: without_logical_types(value) for name, value in schema.items() if name != "logicalType"}
    return schema


def reader(folder: Path, name: str):
    """Reads Avro's single-object encoding: C3 01, the schema's fingerprint, the value."""
    schema = json.loads((folder / f"{name}.avsc").read_text())
    header = b"\xc3\x01" + bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    parsed = fastavro.parse_schema(without_logical_types(schema))

    def read(value: bytes):
        if value[: len(header)] != header:
            raise ValueError(f"not a {name} of the schema at hand")
        return fastavro.schemaless_reader(io.BytesIO(value[len(header) :]), parsed)

    return read


def main() -> int:
    options = arguments()
    readers = {AWARDS: reader(options.schemas, "AwardEvent"), HOLDERS: reader(options.schemas, "TitleHolders")}
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": options.group,
            "auto.offset.reset": "earliest",
            # Awards are written in transactions: what was aborted is not to be seen.
            "isolation.level": "read_committed",
            # A record counts as read when it is printed, not when it is fetched.
            "enable.auto.offset.store": False,
        }
    )
    stopped = False

    def stop(*_) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)

    holders: dict = {}
    count = 0
    last_at = None  # idle time begins when partitions are assigned

    def assigned(*_) -> None:
        nonlocal last_at
        last_at = time.monotonic()

    consumer.subscribe([AWARDS, HOLDERS], on_assign=assigned)
    try:
        while not stopped and (options.max is None or count < options.max):
            message = consumer.poll(0.2)
            if message is None:
                idle = 0 if last_at is None else time.monotonic() - last_at
                if options.idle_seconds is not None and idle >= options.idle_seconds:
                    break
                continue
            if message.error():
                raise KafkaException(message.error())
            count += 1
            last_at = time.monotonic()
            key = message.key().decode()
            value = None if message.value() is None else readers[message.topic()](message.value())
            if message.topic() == HOLDERS:
                # The last record of a key is the present state; one without a value says that nobody holds the title.
                if value is None:
                    holders.pop(key, None)
                else:
                    holders[key] = value["holders"]
            record = {
                "topic": message.topic(),
                "partition": message.partition(),
                "offset": message.offset(),
                "key": key,
                "value": value,
            }
            print(json.dumps(record), flush=True)
            consumer.store_offsets(message)
    finally:
        consumer.close()
    print(json.dumps({"holders": dict(sorted(holders.items()))}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
