"""Sleepers are woken and killed at the same time: none sleeps on, and what a wake-up missed was killed."""

import os
import signal

from kos import guest

page = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
WORD, WOKEN, ASLEEP = page, page + 8, page + 16
TURNS, SLEEPERS = 25, 5
said = killed = 0


def child(what):
    pid = os.fork()
    if pid == 0:
        what()
        os._exit(0)
    return pid


def sleeper():
    guest.fetch_add64(ASLEEP, 1)
    guest.futex_wait(WORD, 0)
    guest.fetch_add64(WOKEN, 1)


for turn in range(TURNS):
    pids = [child(sleeper) for _ in range(SLEEPERS)]
    while guest.load64(ASLEEP) < SLEEPERS * (turn + 1):
        os.sched_yield()
    killer = child(lambda pids=pids: [os.kill(pid, signal.SIGKILL) for pid in pids[:2]])
    said += guest.futex_wake(WORD, 2)
    os.waitpid(killer, 0)
    while pids:
        said += guest.futex_wake(WORD, SLEEPERS)
        for pid in pids[:]:
            got, status = os.waitpid(pid, os.WNOHANG)
            if got:
                pids.remove(pid)
                killed += status == signal.SIGKILL
        os.sched_yield()
woken = guest.load64(WOKEN)
print(woken <= said <= woken + killed, woken + killed >= TURNS * SLEEPERS)
