"""Loops over an Enum's members, and over weak collections, go on in both processes when their bodies fork."""

import enum
import os
import sys
import weakref


class Colour(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Mode(enum.Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class Thing:
    pass


def status():
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


things = [Thing(), Thing()]
for group in (Colour, Mode, weakref.WeakValueDictionary(enumerate(things)), Colour.__members__):
    for member in group:
        print(member, status())
for member in reversed(Colour):
    print(member, status())
for member in Mode.READ | Mode.RUN:
    print(member, status())
print(next(iter(Colour)), [member.name for member in Colour if status()])
rest = iter(Colour)
next(rest)
sys.stdout.flush()
if os.fork() == 0:
    print("child", list(rest), flush=True)
    os._exit(0)
os.wait()
print("parent", list(rest))
