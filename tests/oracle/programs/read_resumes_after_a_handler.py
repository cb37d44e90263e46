"""PEP 475: a read that a handled signal interrupts goes on, and returns what comes later."""

import os
import signal

r, w = os.pipe()
seen = []
signal.signal(signal.SIGUSR1, lambda *_: (seen.append(1), os.write(w, b"from the handler")))
pid = os.fork()
if pid == 0:
    os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
print(os.read(r, 100), seen)
os.waitpid(pid, 0)
