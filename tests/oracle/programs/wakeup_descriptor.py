"""set_wakeup_fd: numbers of signals with handlers go to the descriptor, in a child too; a full one is not fatal."""

import os
import select
import signal
import sys

r, w = os.pipe()
for fd in (500, w):
    try:
        signal.set_wakeup_fd(fd)
    except (OSError, ValueError) as e:
        print(type(e).__name__, e)
os.set_blocking(w, False)
print(signal.set_wakeup_fd(w), signal.set_wakeup_fd(w, warn_on_full_buffer=False) == w)
ran = []
signal.signal(signal.SIGUSR1, lambda number, frame: ran.append(number))
signal.signal(signal.SIGALRM, lambda number, frame: ran.append(number))
os.kill(os.getpid(), signal.SIGUSR1)
print(os.read(r, 10) == bytes([signal.SIGUSR1]), len(ran))
signal.setitimer(signal.ITIMER_REAL, 0.03)
print(select.select([r], [], [], 10)[0] == [r], os.read(r, 10) == bytes([signal.SIGALRM]), len(ran))
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGUSR1)
    os._exit(len(ran))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.read(r, 10) == bytes([signal.SIGUSR1]))
try:
    while True:
        os.write(w, bytes(65536))
except BlockingIOError:
    pass
os.kill(os.getpid(), signal.SIGUSR1)
print(len(ran))
sys.stderr = open(os.devnull, "w")
os.close(r)
os.kill(os.getpid(), signal.SIGUSR1)
print(len(ran), signal.set_wakeup_fd(-1) == w, signal.set_wakeup_fd(-1))
