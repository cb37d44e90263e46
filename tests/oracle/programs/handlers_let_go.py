"""A context that was saved inside a handler keeps nothing alive when that is left."""

import os


def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)[1]


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("end of", self.name)


def in_a_handler():
    noisy = Noisy("in a handler")
    try:
        raise ValueError(noisy.name)
    except ValueError as error:
        fork()
        return str(error)


def in_a_bare_handler():
    noisy = Noisy("in a bare handler")
    try:
        raise ValueError(noisy.name)
    except ValueError:
        os.getpid()


def in_a_second_handler():
    noisy = Noisy("in a second handler")
    try:
        try:
            raise ValueError(noisy.name)
        except ValueError:
            fork()
            raise KeyError(noisy.name) from None
    except KeyError:
        fork()


for function in (in_a_handler, in_a_bare_handler, in_a_second_handler):
    print(function())
    print("after", function.__name__)
