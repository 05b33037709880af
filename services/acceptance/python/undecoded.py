"""librdkafka's records joined as they are, and inserted as lines of JSON in lots of 100,000; committed after the insert.

No validation, no dead letters: one bad record stops it. Prints its own CPU seconds.

    undecoded.py <brokers> <topic> <group> <ClickHouse's URL> <database> <records>
"""

import resource
import sys
import urllib.parse
import urllib.request

from confluent_kafka import Consumer

brokers, topic, group, url, database, count = sys.argv[1:7]
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "fetch.message.max.bytes": 8 << 20,
        "queued.max.messages.kbytes": 65536,
    }
)
consumer.subscribe([topic])
query = urllib.parse.urlencode(
    {
        "database": database,
        "query": "INSERT INTO source FORMAT JSONEachRow",
        "date_time_input_format": "best_effort",
    }
)


def insert(bodies):
    request = urllib.request.Request(f"{url}/?{query}", data=b"\n".join(bodies), method="POST")
    urllib.request.urlopen(request).read()
    consumer.commit(asynchronous=False)


inserted = 0
bodies = []
while inserted < int(count):
    messages = consumer.consume(10_000, timeout=0.5)
    bodies.extend(message.value() for message in messages if message.error() is None)
    if bodies and (len(bodies) >= 100_000 or not messages):
        insert(bodies)
        inserted += len(bodies)
        bodies = []
consumer.close()
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
