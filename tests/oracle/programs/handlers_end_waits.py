"""A handler that raises ends whatever the process waits in, and nothing of the wait is left behind."""

import errno
import os
import select
import signal
import time

from kos import guest


class Out(Exception):
    pass


def handler(number, frame):
    raise Out


signal.signal(signal.SIGALRM, handler)
r, w = os.pipe()
full_r, full_w = os.pipe()
os.set_blocking(full_w, False)
try:
    while True:
        os.write(full_w, bytes(65536))
except BlockingIOError:
    os.set_blocking(full_w, True)
word = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
child = os.fork()
if child == 0:
    signal.pause()
poller = select.poll()
poller.register(r, select.POLLIN)

for name, call in (
    ("read", lambda: os.read(r, 1)),
    ("readv", lambda: os.readv(r, [bytearray(3)])),
    ("write", lambda: os.write(full_w, b"x")),
    ("wait", os.wait),
    ("waitpid", lambda: os.waitpid(child, 0)),
    ("waitid", lambda: os.waitid(os.P_PID, child, os.WEXITED)),
    ("select", lambda: select.select([r], [], [])),
    ("poll", poller.poll),
    ("sleep", lambda: time.sleep(30)),
    ("pause", signal.pause),
    ("sigwaitinfo", lambda: signal.sigwaitinfo([signal.SIGUSR2])),
    ("file", lambda: os.fdopen(os.dup(r), "rb", 0).read(1)),
    ("futex", lambda: guest.futex_wait(word, 0)),
    ("read into memory", lambda: guest.read(r, word, 5)),
):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.03)
        print(name, call())
    except Out:
        print(name, "out")
    except OSError as e:
        print(name, errno.errorcode[e.errno])

os.write(w, b"still here")
print(os.read(r, 100), guest.futex_wake(word, 9))
os.kill(child, signal.SIGKILL)
print(os.waitpid(child, 0)[1])
