#!/usr/bin/python3
"""writer.py HOST[,HOST] SECONDS [RATE]: inserts rows at a constant rate and proves what became of them.

Writes to one host; after an error it goes to the next one of the list, as a connector would. After
SECONDS, or SIGTERM, it counts the acknowledged rows that are gone, on the first host that answers.
Prints one JSON object: acked, errors, longest_gap (seconds without an acknowledged row), gaps (longer than
0.2 s, as [start, length] since the beginning), begin (seconds of the epoch), by_node (rows each server acknowledged), lost (rows, or null
when no server answered), last_error. LAB_ACKED=FILE: "time node value" of each acknowledged row goes there."""
import itertools
import json
import os
import signal
import sys
import time

import pymysql

GAP = 0.2
PATIENCE = 30  # seconds to find a server for the final count


class Writer:
    def __init__(self, hosts, rate):
        self.hosts, self.pause = itertools.cycle(hosts), 1 / rate
        self.begin = self.last_ack = time.time()
        self.acked, self.gaps, self.by_node = [], [], {}
        self.errors, self.last_error = 0, None
        self.connection = self.node = None
        self.stopped = False
        self.record = open(os.environ.get("LAB_ACKED", os.devnull), "w", buffering=1)

    def connect(self):
        self.connection = pymysql.connect(
            host=next(self.hosts), user="w", password="w", database="t", autocommit=True,
            connect_timeout=0.2, read_timeout=1.0, write_timeout=1.0)
        self.node = self.ask("select @@wsrep_node_name")[0][0]

    def ask(self, sql, values=()):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    def disconnect(self):
        if self.connection:
            self.connection._force_close()  # no farewell to a server that may be dead
        self.connection = None

    def write(self, value):
        try:
            if not self.connection:
                self.connect()
            self.ask("insert into a(v) values(%s)", (value,))
        except Exception as error:
            self.errors, self.last_error = self.errors + 1, str(error)
            self.disconnect()
        else:
            self.acknowledged(value)

    def acknowledged(self, value):
        now = time.time()
        self.gap(now)
        self.last_ack = now
        self.acked.append(value)
        self.by_node[self.node] = self.by_node.get(self.node, 0) + 1
        self.record.write(f"{now:.3f} {self.node} {value}\n")

    def gap(self, now):
        if now - self.last_ack > GAP:
            self.gaps.append([round(self.last_ack - self.begin, 2), round(now - self.last_ack, 2)])

    def run(self, seconds):
        first = int(self.begin * 1000) % 10**9 * 1000
        for value in itertools.count(first):
            start = time.time()
            if self.stopped or start >= self.begin + seconds:
                break
            self.write(value)
            time.sleep(max(0, self.pause - (time.time() - start)))
        self.gap(time.time())

    def stop(self, *_):
        self.stopped = True

    def lost(self):
        if not self.acked:
            return 0
        end = time.time() + PATIENCE
        while time.time() < end:
            try:
                self.disconnect()
                self.connect()
                self.ask("set session wsrep_sync_wait=1")
                rows = self.ask("select v from a where v between %s and %s", (self.acked[0], self.acked[-1]))
                return len(set(self.acked) - {row[0] for row in rows})
            except Exception as error:
                self.last_error = str(error)
                time.sleep(0.1)
        return None

    def report(self):
        return {
            "acked": len(self.acked), "errors": self.errors, "lost": self.lost(), "gaps": self.gaps,
            "begin": self.begin, "longest_gap": max([length for _, length in self.gaps], default=0.0),
            "by_node": self.by_node, "last_error": self.last_error}


def main():
    hosts, seconds = sys.argv[1].split(","), float(sys.argv[2])
    writer = Writer(hosts, float(sys.argv[3]) if len(sys.argv) > 3 else 50)
    signal.signal(signal.SIGTERM, writer.stop)
    writer.run(seconds)
    print(json.dumps(writer.report()))


main()
