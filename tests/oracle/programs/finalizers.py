"""weakref.finalize: held by nobody it lives through a fork, and the end of the process runs what is left."""

import atexit
import os
import sys
import weakref


class Owner:
    def __init__(self, name):
        self.name = name
        self.finalizer = weakref.finalize(self, report, name)


def report(name):
    print("finalized", name, os.getpid() > 0, flush=True)


def fails():
    raise ValueError("said on stderr")


atexit.register(print, "registered first, called last")
one, two, three = Owner("one"), Owner("two"), Owner("three")
four = Owner.__new__(Owner)
weakref.finalize(four, print, "four", flush=True)
last = weakref.finalize(three, print, "not at exit")
last.atexit = False
weakref.finalize(three, fails)
atexit.register(print, "registered later, called first")
gone = Owner("gone")
held = gone.finalizer
del gone
print(held.alive, held.peek(), two.finalizer.alive, two.finalizer.peek()[2])
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    del four
    two.finalizer()
    two.finalizer()
    print("child", held.alive, one.finalizer.alive, two.finalizer.alive, flush=True)
    sys.exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), two.finalizer.alive, one.finalizer.detach()[2], flush=True)
del four
print("end", flush=True)
