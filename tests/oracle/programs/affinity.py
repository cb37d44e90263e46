"""A process that is bound to one CPU runs there, and a child inherits that."""

import os

from kos import guest

allowed = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {allowed[-1]})
for _ in range(3):
    os.sched_yield()
print(os.sched_getaffinity(0) == {allowed[-1]}, guest.getcpu() == allowed[-1])
pid = os.fork()
if pid == 0:
    os._exit(10 + (os.sched_getaffinity(0) == {allowed[-1]}))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
for mask in ([], [-1], ["x"], 5):
    try:
        os.sched_setaffinity(0, mask)
    except (OSError, ValueError, TypeError) as e:
        print(type(e).__name__, e)
