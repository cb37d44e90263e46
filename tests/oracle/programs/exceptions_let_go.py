"""Nothing keeps an exception once it was handled: the locals of the frames it came through end at once."""

import os
import signal


class Failure(Exception):
    pass


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("end of", self.name)


def made_here():
    noisy = Noisy("made here")
    raise Failure(noisy.name)


def make():
    return Failure("made elsewhere")


def made_elsewhere():
    noisy = Noisy("made elsewhere")
    raise make() if noisy else noisy


def from_a_call():
    noisy = Noisy("from a call")
    os.close(1000 + len(noisy.name))


def from_a_wait():
    noisy = Noisy("from a wait")
    os.waitpid(-1, 0)
    print(noisy)


def handler(number, frame):
    noisy = Noisy("handler")
    raise Failure(number, noisy.name)


def from_a_handler():
    noisy = Noisy("from a handler")
    signal.raise_signal(signal.SIGUSR1)
    print(noisy)


def in_c_code():
    sorted([1, 2], key=lambda x: made_here())


signal.signal(signal.SIGUSR1, handler)
for function in (made_here, made_elsewhere, from_a_call, from_a_wait, from_a_handler, in_c_code):
    try:
        function()
    except (Failure, OSError) as e:
        print(type(e).__name__)
    print("after", function.__name__)
