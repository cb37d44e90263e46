"""locals() in the order of CPython's frames; next() and iter() of what is made in their arguments; static methods."""

import os


def fork(status=0):
    pid = os.fork()
    if pid == 0:
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def variables(zeta, alpha, *rest, only=3, **more):
    beta = fork(1)
    aa = fork(2)
    for each in range(2):
        later = each
    return locals()


def cells(param):
    z = 1
    b = fork(1)

    def inner():
        return z, param

    a = inner
    return list(locals()), a()


print(variables(1, 2, 3, y=4))
print(cells(5))


class Counting:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        fork()
        return self

    def __next__(self):
        self.n += 1
        return fork(self.n)


def numbers():
    yield fork(4)
    yield fork(5)


print(next(Counting()), next(numbers()), next(iter(Counting())), next(n for n in numbers() if n > 4))


class Body:
    @staticmethod
    def helper(n):
        return fork(n)

    made = helper(7)


print(Body.made, Body.helper(8))
