"""A handler for SIGCHLD reaps every child, however many signals were merged into one."""

import os
import signal

done = {}


def reap(number, frame):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        done[pid] = os.waitstatus_to_exitcode(status)


signal.signal(signal.SIGCHLD, reap)
r, w = os.pipe()
pids = []
for n in range(5):
    pid = os.fork()
    if pid == 0:
        os.close(w)
        os.read(r, 1)
        os._exit(n)
    pids.append(pid)
os.close(w)
while len(done) < 5:
    os.sched_yield()
print([done[pid] for pid in pids])
