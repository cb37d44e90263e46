"""sigwaitinfo and sigtimedwait tell who sent a signal; a handler's signal does not end them, an exception does."""

import os
import signal
import time

MINE = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGALRM}


def told(info):
    if info is None:
        return None
    who = "me" if info.si_pid == os.getpid() else "the child" if info.si_pid == child else info.si_pid
    return (
        signal.Signals(info.si_signo).name,
        info.si_code,
        info.si_errno,
        who,
        info.si_uid == os.getuid(),
        info.si_status,
    )


child = 0
signal.pthread_sigmask(signal.SIG_BLOCK, MINE)
os.kill(os.getpid(), signal.SIGUSR1)
print(told(signal.sigwaitinfo(MINE)))
signal.raise_signal(signal.SIGUSR2)
print(told(signal.sigtimedwait(MINE, 5)))
print(told(signal.sigtimedwait(MINE, 0)), told(signal.sigtimedwait(MINE, 0.01)))
for end in (
    lambda: os._exit(3),
    lambda: os.kill(os.getpid(), signal.SIGKILL),
    lambda: os.kill(os.getpid(), signal.SIGSTOP),
):
    child = os.fork()
    if child == 0:
        end()
        os._exit(9)
    print(told(signal.sigwaitinfo({signal.SIGCHLD})))
os.kill(child, signal.SIGCONT)
print(told(signal.sigtimedwait([signal.SIGCHLD], 5))[:2])
time.sleep(0.05)
signal.setitimer(signal.ITIMER_REAL, 0.01)
print(told(signal.sigwaitinfo([signal.SIGALRM]))[:2])
for timeout in (-1, "x"):
    try:
        signal.sigtimedwait(MINE, timeout)
    except (ValueError, TypeError) as e:
        print(type(e).__name__, e)
# A signal for what the caller itself did tells of the caller.
r, w = os.pipe()
os.close(r)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
try:
    os.write(w, b"x")
except BrokenPipeError:
    print(told(signal.sigwaitinfo([signal.SIGPIPE])))

ran = []
signal.signal(signal.SIGALRM, lambda number, frame: ran.append(number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
signal.setitimer(signal.ITIMER_REAL, 0.02)
start = time.monotonic()
print(signal.sigtimedwait([signal.SIGUSR1], 0.1), ran == [signal.SIGALRM], time.monotonic() - start >= 0.1)


def enough(number, frame):
    raise TimeoutError("enough")


signal.signal(signal.SIGALRM, enough)
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    signal.sigwaitinfo([signal.SIGUSR1])
except TimeoutError as e:
    print(e)
# An unblocked signal that is waited for is the wait's, not its handler's.
signal.signal(signal.SIGALRM, lambda number, frame: print("not this one"))
signal.setitimer(signal.ITIMER_REAL, 0.02)
print(signal.sigwaitinfo([signal.SIGALRM]).si_signo == signal.SIGALRM)
