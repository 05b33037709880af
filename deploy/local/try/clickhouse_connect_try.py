"""Tries the local stack's HTTP front with the unmodified clickhouse-connect client.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install clickhouse-connect
    npm run stack                     # in another terminal; prints the port
    /tmp/venv/bin/python deploy/local/try/clickhouse_connect_try.py [port]

Prints a line for each thing tried and ends with status 1 if one of them isn't as expected.
"""

import datetime
import sys

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8123
DATABASE = "clickhouse_connect_try"
failures = 0


def check(what, got, expected):
    global failures
    ok = got == expected
    failures += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {what}" + ("" if ok else f": got {got!r}, expected {expected!r}"))


def try_with(compress):
    client = clickhouse_connect.get_client(host="127.0.0.1", port=PORT, compress=compress)
    print(f"-- compress={compress}: server {client.server_version}, time zone {client.server_tz}")
    client.command(f"DROP DATABASE IF EXISTS {DATABASE}")
    client.command(f"CREATE DATABASE {DATABASE}")
    client.command(
        f"CREATE TABLE {DATABASE}.t (id UInt64, name String DEFAULT concat('n', toString(id)),"
        " at DateTime64(3, 'UTC'), tags Array(String), big UInt128) ENGINE = MergeTree ORDER BY id"
    )
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)
    naive = at.replace(tzinfo=None)  # the client's default for UTC columns
    rows = [[i, f"käse {i}", at, ["a", "b"], 2**100 + i] for i in range(10_000)]
    inserted = client.insert(f"{DATABASE}.t", rows, column_names=["id", "name", "at", "tags", "big"])
    check("insert reports its rows", inserted.written_rows, 10_000)
    client.insert("t", [[10_000, at]], column_names=["id", "at"], database=DATABASE)
    check("count", client.query(f"SELECT count() FROM {DATABASE}.t").result_rows, [(10_001,)])
    got = client.query(f"SELECT * FROM {DATABASE}.t WHERE id = {{id:UInt64}}", parameters={"id": 7}).result_rows
    check("a row comes back as it was", got, [(7, "käse 7", naive, ["a", "b"], 2**100 + 7)])
    check("a DEFAULT is filled in", client.command(f"SELECT name FROM {DATABASE}.t WHERE id = 10000"), "n10000")
    wide = client.query("SELECT number, toString(number) FROM numbers(300000)")
    check("300,000 rows", (len(wide.result_rows), wide.result_rows[-1]), (300_000, (299_999, "299999")))
    with client.query_rows_stream("SELECT number FROM numbers(500000)") as stream:
        check("a stream of rows", sum(row[0] for row in stream), 500_000 * 499_999 // 2)
    check("settings", client.command("SELECT getSetting('max_threads')", settings={"max_threads": 1}), 1)
    client.command("CREATE TEMPORARY TABLE scratch (x UInt8)")
    client.command("INSERT INTO scratch VALUES (1), (2)")
    check("a session keeps its temporary table", client.command("SELECT sum(x) FROM scratch"), 3)
    check("raw csv", client.raw_query("SELECT 1, 'x'", fmt="CSV"), b'1,"x"\n')
    client.raw_insert(f"{DATABASE}.t", column_names=["id"], insert_block=b"20001\n20002\n", fmt="CSV")
    check("raw insert", client.command(f"SELECT count() FROM {DATABASE}.t WHERE id > 20000"), 2)
    try:
        client.query("SELECT * FROM no_such_table")
        check("an unknown table is an error", False, True)
    except DatabaseError as error:
        check("an unknown table is error 60", "60" in str(error), True)
    client.command(f"DROP DATABASE {DATABASE}")
    client.close()


for method in (True, False, "gzip", "zstd", "lz4"):
    try_with(method)
sys.exit(1 if failures else 0)
