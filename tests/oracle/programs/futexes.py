"""futex_wait: a changed word, a timeout, a wake; futex_wake counts the sleepers."""

import errno
import os
import time

from kos import guest

a = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
for args in ((a, 1), (a, 0, 0.02), (a, 0, 0)):
    try:
        guest.futex_wait(*args)
    except OSError as e:
        print(errno.errorcode[e.errno])
print(guest.futex_wake(a, 5))


def sleeper():
    guest.fetch_add64(a + 8, 1)
    guest.futex_wait(a, 0)
    return 5


tids = [guest.clone(sleeper) for _ in range(3)]
while guest.load64(a + 8) < 3:
    os.sched_yield()
woken = 0
while woken < 3:
    woken += guest.futex_wake(a, 1)
    time.sleep(0.001)
print(woken, [guest.join(tid) for tid in tids])
pid = os.fork()
if pid == 0:
    guest.futex_wait(a, 0)
    os._exit(8)
while not guest.futex_wake(a, 1):
    os.sched_yield()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
