"""waitpid with 0 and with a negative pid waits for children of that process group only."""

import os

r, w = os.pipe()
pids = []
for own_group in (True, False):
    pid = os.fork()
    if pid == 0:
        if own_group:
            os.setpgid(0, 0)
        os.write(w, b".")
        os._exit(10 if own_group else 20)
    pids.append(pid)
os.read(r, 1), os.read(r, 1)
first, status = os.waitpid(-pids[0], 0)
print(first == pids[0], os.waitstatus_to_exitcode(status))
try:
    os.waitpid(-pids[0], 0)
except ChildProcessError as e:
    print(e)
second, status = os.waitpid(0, 0)
print(second == pids[1], os.waitstatus_to_exitcode(status))
try:
    os.waitpid(-1, 0)
except ChildProcessError as e:
    print(e)
