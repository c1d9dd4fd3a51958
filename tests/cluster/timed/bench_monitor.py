"""Runs one program N times with the environment that it is given: wall and CPU time of a run in microseconds (means),
and the largest memory of any run in KiB. The last is never less than this interpreter's own: execve keeps it."""
import os
import resource
import sys
import time

count, code, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
quiet = os.open("/dev/null", os.O_RDWR)
redirect = [(os.POSIX_SPAWN_DUP2, quiet, fd) for fd in (0, 1, 2)]


def run():
    child = os.posix_spawn(program[0], program, os.environ, file_actions=redirect)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended != code:
        sys.exit(f"{program} ended with {ended}, not {code}")


run()  # the first one finds nothing in any cache
cpu = lambda usage: usage.ru_utime + usage.ru_stime
before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
for _ in range(count):
    run()
wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
print(int(wall / count * 1e6), int((cpu(after) - cpu(before)) / count * 1e6), after.ru_maxrss)
