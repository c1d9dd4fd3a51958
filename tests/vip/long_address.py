#!/usr/bin/python3
"""long_address.py NAME: a device whose hardware address is longer than a socket address has room for.

IP over InfiniBand (RFC 4391) has 20 bytes and needs the hardware; a TAP device of the type of a GRE tunnel over IPv6 has 16.
Prints "ready", and then each frame that the kernel sends through the device, in hexadecimal digits, one a line."""
import fcntl
import os
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
TUNSETLINK, ARPHRD_IP6GRE = 0x400454CD, 823

tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), IFF_TAP | IFF_NO_PI))
fcntl.ioctl(tap, TUNSETLINK, ARPHRD_IP6GRE)
print("ready", flush=True)
while frame := os.read(tap, 65536):
    print(frame.hex(), flush=True)
