"""Produces what comes on stdin by librdkafka: frames of a key and a value, each after its length in four bytes (big endian).

    fill.py <brokers> <topic>

Prints how many records it sent, and how many a second.
"""

import struct
import sys
import time

from confluent_kafka import Producer

brokers, topic = sys.argv[1:3]
producer = Producer(
    {
        "bootstrap.servers": brokers,
        "acks": "all",
        "linger.ms": 20,
        "batch.size": 1_000_000,
        "queue.buffering.max.messages": 1_000_000,
        "compression.type": "none",
    }
)
failed = []


def on_delivery(error, _message):
    if error is not None:
        failed.append(str(error))


length = struct.Struct(">I")
begun = time.monotonic()
sent = 0
pending = b""
while True:
    chunk = sys.stdin.buffer.read1(1 << 22)
    if not chunk:
        break
    data = pending + chunk
    at = 0
    while True:
        if at + 4 > len(data):
            break
        (key_length,) = length.unpack_from(data, at)
        if at + 8 + key_length > len(data):
            break
        (value_length,) = length.unpack_from(data, at + 4 + key_length)
        end = at + 8 + key_length + value_length
        if end > len(data):
            break
        while True:
            try:
                producer.produce(
                    topic, data[at + 8 + key_length : end], data[at + 4 : at + 4 + key_length], on_delivery=on_delivery
                )
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        at = end
    producer.poll(0)
    pending = data[at:]
left = producer.flush(120)
if failed or left or pending:
    sys.exit(f"{sent} records sent, {left} not delivered, {len(pending)} bytes left over, failures: {failed[:3]}")
print(f"{sent} {sent / (time.monotonic() - begun):.0f}")
