"""alarm wakes pause; sleep goes on after a handler (PEP 475); a handler's exception ends what it interrupted."""

import os
import signal
import time


class Stop(Exception):
    pass


def stop(number, frame):
    raise Stop


hits = []
signal.signal(signal.SIGALRM, lambda *_: hits.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.02)
print(signal.pause(), hits)
start = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.06)
print(time.monotonic() - start >= 0.06, hits)
r, w = os.pipe()
signal.signal(signal.SIGALRM, stop)
try:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    os.read(r, 1)
except Stop:
    print("read was left")
try:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        pass
except Stop:
    print("loop was left", signal.getitimer(signal.ITIMER_REAL))
print(signal.alarm(100), signal.alarm(0))
