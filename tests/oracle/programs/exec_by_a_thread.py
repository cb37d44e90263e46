#!/usr/bin/env python3
"""exec by a thread that is not the first one ends all others, whatever they do, and takes over the process's number."""

import os
import signal
import sys
import time

from kos import guest

RW, ANON = guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
TURNS, KINDS = 12, 8


def after(pid, memory):
    """The new program: alone, with the same number; nobody adds to the word any more."""
    at = guest.mmap(0, 4096, RW, guest.MAP_SHARED, memory)
    before = guest.load64(at)
    time.sleep(0.01)
    same = guest.load64(at) == before
    os._exit(3 if os.getpid() == guest.gettid() == pid and same else 4)


def other(kind, at, start, reading):
    """One of the threads that are killed: computes, adds, sleeps in one way or another, faults, forks, joins."""
    guest.fetch_add64(start, 1)
    while True:
        if kind == 0:
            sum(range(50))
        elif kind == 1:
            guest.fetch_add64(at, 1)
        elif kind == 2:
            os.read(reading, 1)
        elif kind == 3:
            guest.futex_wait(at + 64, 0)
        elif kind == 4:
            page = guest.mmap(0, 8192, RW, ANON)
            guest.store64(page, 1)
            guest.munmap(page, 8192)
        elif kind == 5:
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        elif kind == 6:
            time.sleep(100)
        else:
            os.sched_yield()


def replace(start, memory, pid):
    """The thread that execs, once all are at it."""
    while guest.load64(start) < KINDS:
        os.sched_yield()
    os.execv(sys.executable, [sys.executable, sys.argv[0], str(pid), str(memory)])


def turn(number, memory):
    at = guest.mmap(0, 4096, RW, guest.MAP_SHARED, memory)
    start = guest.mmap(0, 4096, RW, ANON)
    reading, _writing = os.pipe()
    for kind in range(KINDS):
        guest.clone(other, kind, at, start, reading)
    tid = guest.clone(replace, start, memory, os.getpid())
    if number % 3 == 0:
        guest.join(tid)
    elif number % 3 == 1:
        signal.pause()
    while True:
        guest.fetch_add64(at, 1)


if len(sys.argv) > 1:
    after(int(sys.argv[1]), int(sys.argv[2]))
memory = os.memfd_create("memory")
os.ftruncate(memory, 4096)
os.set_inheritable(memory, True)
seen = []
for number in range(TURNS):
    pid = os.fork()
    if pid == 0:
        turn(number, memory)
    seen.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(seen)
