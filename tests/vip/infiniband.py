#!/usr/bin/python3
"""infiniband.py NAME: a device that the kernel takes for IP over InfiniBand (RFC 4391), without the hardware.

A TAP device whose type is that of InfiniBand: hardware addresses of 20 bytes, for the kernel and whoever asks it. Prints
"ready", and then each frame that the kernel sends through it, in hexadecimal digits, one a line."""
import fcntl
import os
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
TUNSETLINK, ARPHRD_INFINIBAND = 0x400454CD, 32

tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), IFF_TAP | IFF_NO_PI))
fcntl.ioctl(tap, TUNSETLINK, ARPHRD_INFINIBAND)
print("ready", flush=True)
while frame := os.read(tap, 65536):
    print(frame.hex(), flush=True)
