"""What an atexit callback registers or unregisters is not called; what it raises goes to sys.unraisablehook."""

import atexit
import os
import sys


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
sys.unraisablehook = lambda raised: print("raised", repr(raised.exc_value))
atexit.register(sys.exit, 9)
atexit.register(os.close, 999)
