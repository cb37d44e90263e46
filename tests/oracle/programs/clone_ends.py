"""How a cloned task ends: by return, SystemExit, an exception, exit_thread, os._exit of a process."""

import os
import sys

from kos import guest


def by_return(x):
    return x


def by_exit(x):
    sys.exit(x)


def by_error(x):
    sys.stderr = open("/dev/null", "w")
    raise ValueError(x)


def by_exit_thread(x):
    try:
        guest.exit_thread(x)
    finally:
        print("finally", flush=True)


for flags in (guest.THREAD, 0):
    for fn, x in (
        (by_return, 3),
        (by_return, None),
        (by_return, "text"),
        (by_exit, 4),
        (by_exit, None),
        (by_error, 5),
        (by_exit_thread, 6),
    ):
        kept = sys.stderr
        task = guest.clone(fn, x, flags=flags)
        code = guest.join(task) if flags else os.waitstatus_to_exitcode(os.waitpid(task, 0)[1])
        sys.stderr = kept
        print(fn.__name__, x, code, flush=True)
for flags in (guest.CLONE_THREAD, guest.CLONE_SIGHAND):
    try:
        guest.clone(by_return, 1, flags=flags)
    except OSError as e:
        print(e.strerror)
