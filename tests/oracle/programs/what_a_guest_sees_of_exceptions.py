"""StopIteration from functions, tracebacks walked by hand, sys.exc_info, a handler's frame: as without kos below."""

import os
import signal
import sys
import traceback


def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def entries(error):
    found = []
    entry = error.__traceback__
    while entry is not None:
        found.append((entry.tb_frame.f_code.co_name, entry.tb_lineno))
        entry = entry.tb_next
    return found


def stop():
    fork()
    raise StopIteration("from a function")


try:
    stop()
except StopIteration:
    kind, error, trace = sys.exc_info()
    print(kind, repr(error), entries(error), trace is error.__traceback__)
    print(traceback.format_exc())

try:
    try:
        stop()
    except StopIteration:
        raise KeyError("while it is handled") from None
except KeyError as error:
    print(repr(error.__context__))

try:
    try:
        stop()
    finally:
        fork()
        print(repr(sys.exc_info()[1]))
        1 / 0  # noqa: B018  # the exception is wanted
except ZeroDivisionError as error:
    print(repr(error.__context__), entries(error))


class Watching:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        print(repr(sys.exc_info()[1]), kind, trace.tb_lineno)
        return True


with Watching():
    stop()


class Failing:
    def __init__(self):
        fork()
        os.close(999)

    def __lt__(self, other):
        fork_is_not_needed = os.getpid()
        raise ValueError(fork_is_not_needed > 0)


def inner():
    yield fork()
    raise LookupError("in a generator")


def outer():
    yield from inner()


def consume():
    for each in outer():
        print(each)


def compare():
    return sorted([object.__new__(Failing), object.__new__(Failing)])


for attempt in (Failing, consume, compare):
    try:
        attempt()
    except Exception as error:
        print(repr(error), entries(error))
        print(traceback.format_exc())


def handler(signum, frame):
    fork()
    print(signum, type(frame).__name__, frame.f_code.co_name, frame.f_lineno)


def interrupted():
    os.kill(os.getpid(), signal.SIGUSR1)


signal.signal(signal.SIGUSR1, handler)
interrupted()
os.kill(os.getpid(), signal.SIGUSR1)


def deep(n):
    if n:
        yield from deep(n - 1)
    yield n


print(sum(deep(300)), sum(n for n in deep(100)))
sys.excepthook = lambda kind, error, trace: print("hook", kind, trace.tb_lineno, entries(error))
stop()
