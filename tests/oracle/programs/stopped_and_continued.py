"""SIGSTOP and SIGCONT as waitpid reports them, and what a stopped process does not do."""

import os
import signal

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os.write(w, b"continued")
    signal.pause()
got, status = os.waitpid(pid, os.WUNTRACED)
print(os.WIFSTOPPED(status), os.WSTOPSIG(status) == signal.SIGSTOP, os.waitpid(pid, os.WNOHANG))
os.kill(pid, signal.SIGCONT)
got, status = os.waitpid(pid, os.WCONTINUED)
print(os.WIFCONTINUED(status), os.read(r, 20))
os.kill(pid, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
