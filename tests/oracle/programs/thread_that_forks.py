"""A process that a thread has forked: its only task is the main one, and ends it with status 0 if it just returns."""

import os
import signal

from kos import guest


def in_child(what):
    if what == "signal":
        signal.signal(signal.SIGUSR2, lambda number, frame: print("got", number, flush=True))
        os.kill(os.getpid(), signal.SIGUSR2)
        os._exit(3)
    if what == "exit_thread":
        guest.exit_thread(6)
    if what == "thread":
        os._exit(guest.join(guest.clone(lambda: 9)))
    return 5


def thread(what):
    pid = os.fork()
    if pid == 0:
        return in_child(what)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


for what in ("signal", "exit_thread", "thread", "return"):
    print(what, guest.join(guest.clone(thread, what)), flush=True)
