#!/usr/bin/python3
"""A stand-in for MaxScale 24.02.4, for machines where it cannot be installed. Run it under the name `maxscale`.

It answers as the captured answers in tests/fixtures/maxscale, which lie in the directory `answers` beside it, with the
objects of its own configuration file. Command line, exit codes, files and locks, signals: as observed with 24.02.4.

What a real one would learn from its surroundings it reads from FILE.standin (JSON) beside its configuration file:
down [server names], frozen (ticks), deaf (REST is closed), slow_start and slow_stop (seconds), unbound [listener
names], stopped [listener names], no_passive, version.
"""
import base64
import configparser
import copy
import fcntl
import getopt
import hashlib
import json
import os
import pwd
import signal
import socket
import struct
import sys
import threading
import time
import urllib.parse
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.realpath(__file__))
SCRAMBLE = b'12345678901234567890'


def end(code, *words):
    for word in words:
        stamp = time.strftime('%Y-%m-%d %H:%M:%S')
        print(f'{stamp}   error  : {word}', file=sys.stderr, flush=True)
    os._exit(code)


def captured(name):
    with open(f'{HERE}/answers/{name}.json') as file:
        return json.load(file)['data']


class Configuration:
    DIRECTORIES = {'P': ('piddir', '/var/run/maxscale'), 'L': ('logdir', '/var/log/maxscale'),
                   'D': ('datadir', '/var/lib/maxscale'), 'A': ('cachedir', '/var/cache/maxscale'),
                   'N': ('language', '/var/lib/maxscale'), 'F': ('persistdir', '/var/lib/maxscale/maxscale.cnf.d'),
                   'M': ('module_configdir', '/etc/maxscale.modules.d')}

    def __init__(self, words):
        short = 'cdf:P:L:D:A:N:F:M:U:'
        try:
            options, _ = getopt.gnu_getopt(words, short, ['user=', 'config-check', 'nodaemon'])
        except getopt.GetoptError:
            os._exit(0)  # as observed
        options = dict(options)
        self.check = '-c' in options or '--config-check' in options
        self.stay = '-d' in options or '--nodaemon' in options
        self.user = options.get('--user', options.get('-U'))
        self.file = options.get('-f', '/etc/maxscale.cnf')
        ini = configparser.ConfigParser(delimiters='=', interpolation=None, strict=False)
        try:
            with open(self.file) as file:
                ini.read_file(file)
        except (OSError, configparser.Error) as error:
            end(1, f'Failed to open or parse configuration file: {error}'.replace('\n', ' '))
        self.sections = {name: dict(ini[name]) for name in ini.sections()}
        self.own = self.sections.get('maxscale', {})
        for letter, (name, default) in self.DIRECTORIES.items():
            setattr(self, name, options.get(f'-{letter}', self.own.get(name, default)))

    def of(self, kind):
        return {name: part for name, part in self.sections.items() if part.get('type') == kind}

    def faults(self):
        for name, part in self.sections.items():
            if name != 'maxscale' and part.get('type') not in ('server', 'monitor', 'service', 'listener'):
                yield f"Unknown module type '{part.get('type')}' of object '{name}'"
            if part.get('type') == 'service' and 'router' not in part:
                yield f"Service '{name}' is missing the required parameter 'router'"

    def missing(self):
        for name, _ in self.DIRECTORIES.values():
            if not os.path.isdir(getattr(self, name)):
                yield f"Can't access '{getattr(self, name)}' ({name}): No such file or directory"


class Surroundings:
    """What tests change while it runs."""

    def __init__(self, file):
        self.file = f'{file}.standin'

    def __getattr__(self, name):
        try:
            with open(self.file) as file:
                return json.load(file).get(name)
        except (OSError, ValueError):
            return None

    def list(self, name):
        return getattr(self, name) or []


class MaxScale:
    def __init__(self, configuration):
        self.configuration = configuration
        self.around = Surroundings(configuration.file)
        self.started = time.time()
        self.begun = time.monotonic()
        self.persisted = os.path.join(configuration.persistdir, 'maxscale.cnf')
        self.passive = self.leftover_passive()
        self.stopped = set()
        self.maintenance = set()
        self.monitors_stopped = set()
        self.ticks = 1
        self.sockets = {}
        self.clients = 0
        self.accepted = 0
        self.terminating = False
        threading.Thread(target=self.tick, daemon=True).start()

    def leftover_passive(self):
        configured = self.configuration.own.get('passive', 'false')
        try:
            with open(self.persisted) as file:
                lines = file.read().split()
            configured = next((line.split('=')[1] for line in lines if line.startswith('passive=')), configured)
        except OSError:
            pass
        return configured in ('true', '1', 'on', 'yes')

    def set_passive(self, passive):
        self.passive = passive
        with open(self.persisted, 'w') as file:
            file.write(f'[maxscale]\npassive={str(passive).lower()}\n')

    def tick(self):
        while True:
            time.sleep(0.2)
            if not self.around.frozen and not self.monitors_stopped:
                self.ticks += 1

    # The answers

    def maxscale(self):
        answer = captured('maxscale')
        attributes = answer['attributes']
        attributes['uptime'] = int(time.monotonic() - self.begun)
        attributes['started_at'] = attributes['activated_at'] = formatdate(self.started, usegmt=True)
        attributes['version'] = self.around.version or attributes['version']
        parameters = attributes['parameters']
        parameters['passive'] = self.passive
        for name in ('piddir', 'logdir', 'datadir', 'cachedir', 'persistdir'):
            parameters[name] = getattr(self.configuration, name)
        if self.around.no_passive:
            del parameters['passive']
        return answer

    def servers(self):
        samples, down, answer, master = captured('servers'), self.around.list('down'), [], False
        for name, part in self.configuration.of('server').items():
            state = 'Down' if name in down else 'Slave, Synced, Running' if master else 'Master, Synced, Running'
            master = master or name not in down
            one = copy.deepcopy(samples[0])
            one['id'] = name
            one['attributes'].update(state='Maintenance, ' + state if name in self.maintenance else state, name=name)
            one['attributes']['parameters'].update(address=part.get('address'), port=int(part.get('port', 3306)))
            answer.append(one)
        return answer

    def monitors(self):
        answer = []
        for name in self.configuration.of('monitor'):
            one = copy.deepcopy(captured('monitors')[0])
            one['id'] = name
            one['attributes'].update(ticks=self.ticks, state='Stopped' if name in self.monitors_stopped else 'Running')
            one['attributes']['parameters']['monitor_interval'] = '200ms'
            answer.append(one)
        return answer

    def services(self):
        answer = []
        for name, part in self.configuration.of('service').items():
            one = copy.deepcopy(captured('services')[0])
            one['id'] = name
            state = 'Stopped' if name in self.stopped else 'Started'
            one['attributes'].update(router=part['router'], state=state, connections=self.clients,
                                     total_connections=self.accepted)
            one['attributes']['parameters']['router_options'] = part.get('router_options')
            targets = [target.strip() for target in part.get('servers', '').split(',') if target.strip()]
            one['relationships']['servers']['data'] = [{'id': target, 'type': 'servers'} for target in targets]
            answer.append(one)
        return answer

    def listeners(self):
        answer = []
        for name, part in self.configuration.of('listener').items():
            one = copy.deepcopy(captured('listeners')[0])
            one['id'] = name
            one['attributes']['state'] = 'Stopped' if name in self.stopped else 'Running'
            one['attributes']['parameters'].update(service=part['service'], address=part.get('address', '::'),
                                                   port=int(part['port']))
            one['relationships']['services']['data'] = [{'id': part['service'], 'type': 'services'}]
            answer.append(one)
        return answer

    # The listeners

    def listen(self):
        """Binds whatever can be bound: what cannot is called Running all the same."""
        unbound = self.around.list('unbound')
        for name, part in self.configuration.of('listener').items():
            server = socket.socket(socket.AF_INET)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                if name not in unbound:
                    server.bind((part.get('address', '0.0.0.0').replace('::', '0.0.0.0'), int(part['port'])))
                    server.listen(64)
                    threading.Thread(target=self.accept, args=(name, server), daemon=True).start()
            except OSError:
                pass

    def accept(self, name, server):
        while True:
            client, _ = server.accept()
            if name in self.stopped or name in self.around.list('stopped'):
                held.append(client)  # accepted by the kernel, and greeted by nobody
                continue
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        self.clients += 1
        self.accepted += 1
        try:
            converse(client, self)
        except (OSError, IndexError, struct.error):
            pass
        finally:
            self.clients -= 1
            client.close()

    def routes(self):
        down = self.around.list('down')
        return any(name not in down for name in self.configuration.of('server'))


# Clients whom nobody greets: kept, or they would be closed.
held = []


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


def converse(client, maxscale):
    """The MySQL protocol, as far as a client needs it for one query: users `check` with the password `checked`."""
    flags = 0x000fa20d | 0x00080000
    greeting = b'\x0a' + b'10.11.6-MariaDB\0' + struct.pack('<I', 1) + SCRAMBLE[:8] + b'\0'
    greeting += struct.pack('<HBHH', flags & 0xffff, 33, 2, flags >> 16) + bytes([21]) + b'\0' * 10
    greeting += SCRAMBLE[8:] + b'\0' + b'mysql_native_password\0'
    send(client, 0, greeting)
    answer = receive(client)
    user, _, rest = answer[32:].partition(b'\0')
    proof = rest[1:1 + rest[0]]
    once = hashlib.sha1(b'checked').digest()
    twice = hashlib.sha1(once).digest()
    wanted = bytes(a ^ b for a, b in zip(once, hashlib.sha1(SCRAMBLE + twice).digest()))
    if user != b'check' or proof != wanted:
        send(client, 2, b'\xff' + struct.pack('<H', 1045) + b"#28000Access denied for user '" + user + b"'")
        return
    if not maxscale.routes():
        send(client, 2, b'\xff' + struct.pack('<H', 1927) + b'#HY000Could not connect to any server')
        return
    send(client, 2, b'\0\0\0\x02\0\0\0')
    while True:
        command = receive(client)
        if command[:1] == b'\x01':
            return
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


def answering(maxscale):
    class Answer(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def log_message(self, *_):
            pass

        def reply(self, code, body=None):
            text = json.dumps(body, indent=4).encode() if body is not None else b''
            self.send_response(code)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def known(self):
            account = base64.b64encode(b'admin:mariadb').decode()
            if self.headers.get('Authorization') == f'Basic {account}':
                return True
            self.reply(401, {'errors': [{'detail': 'Access denied'}]})
            return False

        def do_GET(self):
            if not self.known():
                return
            path = urllib.parse.urlparse(self.path).path.strip('/').removeprefix('v1/')
            if path in ('maxscale', 'servers', 'services', 'listeners', 'monitors'):
                self.reply(200, {'data': getattr(maxscale, path)()})
            else:
                self.reply(404, {'errors': [{'detail': 'not found'}]})

        def do_PATCH(self):
            body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
            if self.known():
                maxscale.set_passive(json.loads(body)['data']['attributes']['parameters']['passive'])
                self.reply(204)

        def do_PUT(self):
            self.rfile.read(int(self.headers.get('Content-Length') or 0))
            if not self.known():
                return
            parts = [urllib.parse.unquote(part) for part in urllib.parse.urlparse(self.path).path.split('/')[2:]]
            kind, name, verb = parts
            group = {'monitors': maxscale.monitors_stopped, 'servers': maxscale.maintenance}.get(kind, maxscale.stopped)
            (group.add if verb in ('stop', 'set') else group.discard)(name)
            self.reply(204)

    return Answer


def take_pid_file(configuration):
    path = os.path.join(configuration.piddir, 'maxscale.pid')
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    text = os.read(file, 32).decode(errors='replace').strip()
    created = os.fstat(file).st_size == 0 and not text
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        end(4, 'MaxScale is already running. Process id: ' + text)
    if configuration.pid_existed and (created or not text.isdigit()):
        end(4, f'Could not parse PID file {path}')
    if text.isdigit() and program(text) == 'maxscale':
        end(4, f'MaxScale is already running. Process id: {text}')
    os.ftruncate(file, 0)
    os.pwrite(file, f'{os.getpid()}\n'.encode(), 0)
    return path


def program(pid):
    try:
        with open(f'/proc/{pid}/comm') as file:
            return file.read().strip()
    except OSError:
        return None


def take_lock(directory):
    path = os.path.join(directory, 'maxscale.lock')
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        end(4, f'Lock file {path} is in use')
    return path


def become(configuration):
    if configuration.user is None:
        if os.getuid() == 0:
            end(1, 'MaxScale cannot be run as root.')
        return
    try:
        user = pwd.getpwnam(configuration.user)
    except KeyError:
        end(5, f"Failed to retrieve user information for '{configuration.user}'")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main():
    configuration = Configuration(sys.argv[1:])
    become(configuration)
    faults = list(configuration.faults())
    if configuration.check:
        end(1 if faults else 0, *faults)
    missing = list(configuration.missing())
    if missing or faults:
        end(1, *missing, *faults)
    configuration.pid_existed = os.path.exists(os.path.join(configuration.piddir, 'maxscale.pid'))
    ready, started = os.pipe()
    if not configuration.stay and os.fork():
        os.close(started)
        code = os.read(ready, 1)
        os._exit(code[0] if code else 1)
    os.setsid()
    run(configuration, started)


def run(configuration, started):
    def failed(code, *words):
        os.write(started, bytes([code]))
        end(code, *words)

    globals()['end'] = failed
    files = [take_pid_file(configuration), take_lock(configuration.datadir), take_lock(configuration.cachedir)]
    maxscale = MaxScale(configuration)
    stop = threading.Event()

    def terminate(*_):
        if stop.is_set():
            os._exit(1)
        stop.set()

    signal.signal(signal.SIGTERM, terminate)
    address = (configuration.own.get('admin_host', '127.0.0.1'), int(configuration.own.get('admin_port', 8989)))
    time.sleep(maxscale.around.slow_start or 0)
    ThreadingHTTPServer.allow_reuse_address = True
    try:
        rest = ThreadingHTTPServer(address, answering(maxscale))
    except OSError as error:
        failed(6, f'Failed to start REST API at {address[0]}:{address[1]}: {error.strerror}')
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    maxscale.listen()
    os.write(started, b'\0')
    os.close(started)
    null = os.open('/dev/null', os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    while not stop.wait(0.05):
        if maxscale.around.deaf:
            rest.shutdown()
            rest.server_close()
            while not stop.wait(0.05):
                pass
            break
    until = time.monotonic() + (maxscale.around.slow_stop or 0.1)
    while time.monotonic() < until:
        time.sleep(0.01)
    for file in files:
        os.unlink(file)
    os._exit(0)


main()
