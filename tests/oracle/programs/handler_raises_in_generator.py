"""A handler that raises while a generator's body runs: the exception comes from inside; sleeps there end."""

import os
import signal
import time


class Out(Exception):
    pass


def raises(number, frame):
    raise Out(number)


signal.signal(signal.SIGUSR1, raises)


def with_finally():
    try:
        yield 1
        os.kill(os.getpid(), signal.SIGUSR1)
        yield 2
    finally:
        print("finally")


def with_except():
    try:
        yield 1
        os.kill(os.getpid(), signal.SIGUSR1)
        yield 2
    except Out:
        print("caught inside")
        yield 3


def sleeps():
    for i in range(3):
        time.sleep(0.001)
        yield i
    raise KeyError("at the end")


for make in (with_finally, with_except, sleeps):
    try:
        for x in make():
            print(x)
    except (Out, KeyError) as e:
        print(type(e).__name__)
    steps = make()
    try:
        while True:
            print(next(steps))
    except (Out, KeyError, StopIteration) as e:
        print(type(e).__name__)
    try:
        print(list(make()))
    except (Out, KeyError) as e:
        print(type(e).__name__)


def outer():
    yield from with_except()
    yield from sleeps()


try:
    print(*outer())
except KeyError as e:
    print(e)
