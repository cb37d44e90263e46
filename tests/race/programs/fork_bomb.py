"""A fork bomb under RLIMIT_NPROC: it does not pass the limit, dies by one kill of its group, and leaves room."""

import os
import resource
import signal

from kos import guest

LIMIT = 300
PAGE = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
FORKED, REFUSED = PAGE, PAGE + 8

resource.setrlimit(resource.RLIMIT_NPROC, (LIMIT, LIMIT))
bomb = os.fork()
if bomb == 0:
    os.setpgid(0, 0)
    while True:
        try:
            if os.fork() == 0:
                guest.fetch_add64(FORKED, 1)
        except BlockingIOError:
            guest.fetch_add64(REFUSED, 1)
while guest.load64(REFUSED) < 2000:
    os.sched_yield()
os.killpg(bomb, signal.SIGKILL)
print("bomb:", os.waitstatus_to_exitcode(os.waitpid(bomb, 0)[1]))
while True:  # orphans are init's; the group is empty when the last one is gone
    try:
        os.killpg(bomb, signal.SIGKILL)
    except ProcessLookupError:
        break
    os.sched_yield()
print("within the limit:", 0 < guest.load64(FORKED) <= LIMIT - 2)
pids = [os.fork() or os._exit(7) for _ in range(LIMIT - 1)]
try:
    os.fork()
except BlockingIOError:
    print("full")
print(sorted({os.wait()[1] >> 8 for _ in pids}), len(pids))
