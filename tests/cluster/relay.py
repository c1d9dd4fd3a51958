#!/usr/bin/python3
"""relay.py NEAR FAR MS LOSS MBIT: joins two TAP devices through a queue that delays, loses and limits.

A stand-in for netem, which many kernels lack. Each direction delays every frame by MS milliseconds,
drops LOSS percent of them, and sends at most MBIT Mbit/s (0: no limit) with a queue of half a second."""
import collections
import fcntl
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
LONGEST_QUEUE = 0.5  # seconds


def tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


class Direction:
    """One way through the relay. The delay is constant, so a plain queue keeps the order of due times."""

    def __init__(self, source, target, delay, loss, rate):
        self.source, self.target, self.delay, self.loss, self.rate = source, target, delay, loss, rate
        self.queue, self.line_free = collections.deque(), 0.0

    def take(self, now):
        while True:
            try:
                frame = os.read(self.source, 65536)
            except (BlockingIOError, OSError):
                return
            self.line_free = max(self.line_free, now)
            if random.random() < self.loss or self.line_free - now > LONGEST_QUEUE:
                continue
            if self.rate:
                self.line_free += len(frame) * 8 / self.rate
            self.queue.append((self.line_free + self.delay, frame))

    def give(self, now):
        while self.queue and self.queue[0][0] <= now:
            try:
                os.write(self.target, self.queue.popleft()[1])
            except OSError:
                pass  # a frame that the device does not take is a lost frame


def main():
    near, far = tap(sys.argv[1]), tap(sys.argv[2])
    delay, loss, rate = float(sys.argv[3]) / 1e3, float(sys.argv[4]) / 100, float(sys.argv[5]) * 1e6
    ways = [Direction(near, far, delay, loss, rate), Direction(far, near, delay, loss, rate)]
    while True:
        due = [way.queue[0][0] for way in ways if way.queue]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select([near, far], [], [], wait)
        now = time.monotonic()
        for way in ways:
            if way.source in readable:
                way.take(now)
            way.give(now)


main()
