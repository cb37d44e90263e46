"""What an atexit callback registers is not called any more; what it unregisters is not either."""

import atexit
import os


def forgotten():
    print("unregistered, never called")


def early():
    atexit.register(print, "too late")
    atexit.unregister(forgotten)
    print("early")


atexit.register(print, "last")
atexit.register(forgotten)
atexit.register(early)
atexit.register(lambda: print("forked", os.waitpid(os.fork() or os._exit(3), 0)[1] >> 8, flush=True))
