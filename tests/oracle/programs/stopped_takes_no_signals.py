"""A stopped process takes nothing but SIGKILL until it is continued; a zombie is no child to a wait for stops."""

import os
import signal
import time


def child():
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(5)
    os.waitpid(pid, os.WUNTRACED)
    return pid


pid = child()
for sig in (signal.SIGTERM, signal.SIGUSR1, signal.SIGSEGV):
    os.kill(pid, sig)
time.sleep(0.05)
print(os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED))
os.kill(pid, signal.SIGCONT)
status = os.waitpid(pid, 0)[1]
print(os.WIFSIGNALED(status))

pid = child()
os.kill(pid, signal.SIGKILL)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
for options in (os.WSTOPPED, os.WCONTINUED | os.WNOHANG):
    try:
        print(os.waitid(os.P_PID, pid, options))
    except ChildProcessError as e:
        print(e)
print(os.waitpid(pid, 0)[1])
