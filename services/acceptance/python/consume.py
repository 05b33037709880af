"""librdkafka reading a topic and doing nothing with it. Ends after so many records, and prints its own CPU seconds.

    consume.py <brokers> <topic> <group> <records>
"""

import resource
import sys

from confluent_kafka import Consumer

brokers, topic, group, count = sys.argv[1:5]
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "fetch.message.max.bytes": 8 << 20,
    }
)
consumer.subscribe([topic])
consumed = 0
while consumed < int(count):
    consumed += len(consumer.consume(10_000, timeout=0.5))
consumer.close()
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
