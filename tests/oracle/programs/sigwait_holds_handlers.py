"""The C library resumes sigwait() after a handled signal: the Python handler runs when sigwait is over."""

import os
import signal
import time

log = []
signal.signal(signal.SIGUSR2, lambda number, frame: log.append(number))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
pid = os.fork()
if pid == 0:
    time.sleep(0.05)
    os.kill(os.getppid(), signal.SIGUSR2)
    time.sleep(0.05)
    os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
start = time.monotonic()
taken = signal.sigwait([signal.SIGUSR1])
print(taken, log, time.monotonic() - start > 0.08)
os.waitpid(pid, 0)
