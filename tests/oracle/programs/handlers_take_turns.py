"""Several handlers due at once run one after the other, lowest first; one that raises leaves the others their turn."""

import os
import signal

SIGS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM]
log = []


def work(n):
    return sum(i for i in range(n))


def handler(number, frame):
    log.append(f"{number} begins")
    for i in range(50):
        work(i)
    os.getpid()
    log.append(f"{number} ends")


def together(*sigs):
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGS)
    for sig in sigs:
        os.kill(os.getpid(), sig)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGS)


for sig in SIGS:
    signal.signal(sig, handler)
together(*reversed(SIGS))
print(log)


def raises(number, frame):
    log.append("raises")
    raise KeyError(number)


log.clear()
signal.signal(signal.SIGUSR1, raises)
try:
    together(*SIGS)
    log.append("not reached")
except KeyError:
    log.append("caught")
os.getpid()
print(log)


def sends(number, frame):
    """A new signal begins a new round, in which the waiting ones have their turn too."""
    log.append(f"{number} begins")
    if number == signal.SIGHUP:
        os.kill(os.getpid(), signal.SIGUSR1)
    log.append(f"{number} ends")


log.clear()
for sig in SIGS:
    signal.signal(sig, sends)
together(signal.SIGHUP, signal.SIGTERM)
print(log)


def forks(number, frame):
    """The round goes on in the child too."""
    pid = os.fork()
    log.append("child" if pid == 0 else "parent")
    if pid:
        os.waitpid(pid, 0)


log.clear()
me = os.getpid()
signal.signal(signal.SIGHUP, forks)
signal.signal(signal.SIGUSR1, handler)
together(signal.SIGHUP, signal.SIGUSR1)
print(log, flush=True)
if os.getpid() != me:
    os._exit(0)
