"""The MySQL protocol, as far as a client needs it to ask one query through a listener."""
import hashlib
import struct

SCRAMBLE = b'12345678901234567890'


def send(client, number, payload):
    client.sendall(struct.pack('<I', len(payload))[:3] + bytes([number]) + payload)


def receive(client):
    head = read(client, 4)
    return read(client, struct.unpack('<I', head[:3] + b'\0')[0])


def read(client, size):
    got = b''
    while len(got) < size:
        more = client.recv(size - len(got))
        if not more:
            raise OSError('closed')
        got += more
    return got


def converse(client, routes, is_mute):
    """Greets, and serves the user `check` with the password `swordfish` as long as there are servers to route to.
    One that is mute answers no query."""
    flags = 0x000fa20d | 0x00080000
    greeting = b'\x0a' + b'10.11.6-MariaDB\0' + struct.pack('<I', 1) + SCRAMBLE[:8] + b'\0'
    greeting += struct.pack('<HBHH', flags & 0xffff, 33, 2, flags >> 16) + bytes([21]) + b'\0' * 10
    greeting += SCRAMBLE[8:] + b'\0' + b'mysql_native_password\0'
    send(client, 0, greeting)
    answer = receive(client)
    user, _, rest = answer[32:].partition(b'\0')
    proof = rest[1:1 + rest[0]]
    once = hashlib.sha1(b'swordfish').digest()
    twice = hashlib.sha1(once).digest()
    wanted = bytes(a ^ b for a, b in zip(once, hashlib.sha1(SCRAMBLE + twice).digest()))
    if user != b'check' or proof != wanted:
        send(client, 2, b'\xff' + struct.pack('<H', 1045) + b"#28000Access denied for user '" + user + b"'")
        return
    if not routes():
        send(client, 2, b'\xff' + struct.pack('<H', 1927) + b'#HY000Could not connect to any server')
        return
    send(client, 2, b'\0\0\0\x02\0\0\0')
    while True:
        command = receive(client)
        if command[:1] == b'\x01':
            return
        if is_mute():
            continue
        if b'SELECT' not in command:
            send(client, 1, b'\0\0\0\x02\0\0\0')
            continue
        columns = command.count(b',') + 1
        send(client, 1, bytes([columns]))
        for at in range(columns):
            column = b'\x03def\0\0\0' + b'\x011' + b'\x011'
            send(client, 2 + at, column + b'\x0c' + struct.pack('<HIBHB', 33, 64, 253, 0, 0) + b'\0\0')
        send(client, 2 + columns, b'\xfe\0\0\x02\0')
        send(client, 3 + columns, (b'\x08' + b'16777216') * columns)
        send(client, 4 + columns, b'\xfe\0\0\x02\0')
