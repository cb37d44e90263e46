"""A function that returns lets go of its parameters, then of its locals in the order of their first use."""

import os


class Named:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name)


def calls(second, first):
    zebra = Named("zebra")
    for young in [Named("young")]:
        os.getpid() or print(young)
    with open(os.devnull):
        xylophone = Named("xylophone")
    apple = Named("apple")
    return second, first, zebra and 1, young and 2, xylophone and 3, apple and 4


def closes_over():
    wide = Named("wide, in a cell")
    vast = Named("vast")
    os.getpid()
    return vast and 1, (lambda: wide and 2)()


def generates():
    two = Named("two")
    yield os.getpid() * 0
    one = Named("one")
    yield two and one and 1


def forks():
    parent = Named("parent")
    child = Named("child")
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return pid, parent and 1, child and 2


print(calls(*map(Named, "ba")) and "calls")
print(closes_over())
print(list(generates()))
pid, *_ = forks()
print("parent" if pid else "child", flush=True)
if pid == 0:
    os._exit(0)
