"""RLIMIT_CPU: SIGXCPU at the soft limit, which kills unless it is handled; threads count together."""

import os
import resource
import signal

from kos import guest


class Enough(Exception):
    pass


def handler(number, frame):
    raise Enough(signal.Signals(number).name)


def burn():
    n = 0
    while True:
        n += 1


def child(end):
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (1, 60))
        end()
        os._exit(9)
    return os.waitpid(pid, 0)[1]


def killed():
    guest.clone(burn)
    burn()


def handled():
    signal.signal(signal.SIGXCPU, handler)
    try:
        burn()
    except Enough as e:
        # The host counts its limit in ticks, and on a busy one these are ahead of what was used: 0.9 s and less.
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(e, used.ru_utime + used.ru_stime >= 0.5, flush=True)
        os._exit(3)


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
print(os.WTERMSIG(child(killed)) == signal.SIGXCPU)
print(child(handled))
