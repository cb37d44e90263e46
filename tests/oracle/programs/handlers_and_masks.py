"""Blocked signals wait, are delivered once each, and a handler runs before the next statement."""

import os
import signal

log = []
for s in (signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(s, lambda number, frame: log.append((signal.Signals(number).name, frame is not None)))
os.kill(os.getpid(), signal.SIGUSR1)
print(log)
old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
for s in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR1):
    os.kill(os.getpid(), s)
print(log, sorted(signal.sigpending()), old)
signal.pthread_sigmask(signal.SIG_SETMASK, old)
print(sorted(log), signal.sigpending())
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGUSR1)
    os._exit(len(log))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), len(log))
