"""A standard signal waits once, however often it is sent; a real-time signal as often as it is sent, lowest first."""

import os
import signal

FIRST = signal.SIGRTMIN
WANTED = {signal.SIGUSR1, FIRST, FIRST + 1, signal.SIGRTMAX}
signal.pthread_sigmask(signal.SIG_BLOCK, WANTED)
r, w = os.pipe()
child = os.fork()
if child == 0:
    os.write(w, b"x")
    for number in (signal.SIGRTMAX, FIRST + 1, signal.SIGUSR1, FIRST, signal.SIGUSR1, FIRST + 1, FIRST + 1):
        os.kill(os.getppid(), number)
    os._exit(0)
os.waitpid(child, 0)
print(len(signal.sigpending()))
got = [signal.sigwaitinfo(WANTED) for _ in range(6)]
print([int(info.si_signo) - FIRST if info.si_signo >= FIRST else signal.Signals(info.si_signo).name for info in got])
print({info.si_pid for info in got} == {child}, signal.sigpending())

for _ in range(3):
    os.kill(os.getpid(), FIRST)
print([signal.sigwait([FIRST]) - FIRST for _ in range(3)], signal.sigpending())

# Ignoring a signal forgets all that wait; a child starts with none.
for _ in range(3):
    os.kill(os.getpid(), FIRST)
child = os.fork()
if child == 0:
    os._exit(len(signal.sigpending()))
print(os.waitpid(child, 0)[1], len(signal.sigpending()))
signal.signal(FIRST, signal.SIG_IGN)
print(signal.sigpending())

# What a handler gets is Python's: one call for all that came while the signal was blocked.
calls = []
signal.signal(FIRST, lambda number, frame: calls.append(number - FIRST))
for _ in range(3):
    os.kill(os.getpid(), FIRST)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [FIRST])
print(calls)

# Some are left waiting when a process ends, or execs.
os.kill(os.getpid(), FIRST + 1)
os.kill(os.getpid(), FIRST + 1)
