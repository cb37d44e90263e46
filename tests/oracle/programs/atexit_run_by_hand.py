"""atexit._run_exitfuncs runs what is registered, the last one first, and forgets it; callbacks may fork."""

import atexit
import os

calls = []


def note(*args, **kwargs):
    calls.append((args, kwargs))


class Equal:
    def __call__(self):
        print("called")

    def __eq__(self, other):
        return other == 7


def forks():
    pid = os.fork()
    if pid == 0:
        print("in the child", flush=True)
        os._exit(3)
    print(os.waitpid(pid, 0)[1] >> 8)


def first():
    atexit.unregister(second)
    atexit.register(print, "registered too late")


def second():
    print("never")


atexit.register(note)
atexit.register(note, 1, key=2)
atexit._run_exitfuncs()
print(calls, atexit._ncallbacks())
atexit._run_exitfuncs()
print(calls, atexit._ncallbacks())
atexit.register(Equal())
atexit.register(forks)
atexit.register(second)
atexit.register(first)
atexit._run_exitfuncs()
print(atexit._ncallbacks())
atexit.register(Equal())
atexit.unregister(7)
atexit._run_exitfuncs()
atexit.register(print, "at the end")
