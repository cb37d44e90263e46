"""40,000 forks: pids wrap, none is handed out while it lives, and each child is waited for by its number."""

import os
import signal

N = 40_000
keep = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        signal.pause()
    keep.append(pid)
last, wraps, wrong, highest = keep[-1], 0, 0, 0
for i in range(N):
    pid = os.fork()
    if pid == 0:
        os._exit(i & 127)
    wraps += pid < last
    wrong += pid in keep
    last, highest = pid, max(highest, pid)
    got, status = os.waitpid(pid, 0)
    wrong += got != pid or status >> 8 != i & 127
print("wraps:", wraps, "wrong:", wrong, "highest:", highest)
for pid in keep:
    os.kill(pid, 9)
print([os.waitpid(pid, 0)[1] for pid in keep])
