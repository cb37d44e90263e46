"""nice adds up, is inherited by fork, and getpriority agrees."""

import os

start = os.getpriority(os.PRIO_PROCESS, 0)
print(os.nice(3) - start, os.nice(0) - start)
pid = os.fork()
if pid == 0:
    inherited = os.getpriority(os.PRIO_PROCESS, 0) - start
    os._exit(inherited * 10 + os.nice(2) - start)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), os.getpriority(os.PRIO_PROCESS, 0) - start)
os.setpriority(os.PRIO_PROCESS, 0, start + 7)
print(os.nice(0) - start)
