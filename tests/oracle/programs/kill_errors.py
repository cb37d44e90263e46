"""kill: no such process, no such signal, and signal 0 as a question."""

import os
import signal

pid = os.fork()
if pid == 0:
    signal.pause()
    os._exit(0)
print(os.kill(pid, 0))
for target, number in ((pid, 999), (pid, -1)):
    try:
        os.kill(target, number)
    except OSError as e:
        print(type(e).__name__, e.strerror)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
try:
    os.kill(pid, 0)
except ProcessLookupError as e:
    print(e)
try:
    os.killpg(pid, signal.SIGTERM)
except ProcessLookupError as e:
    print(e)
