"""WNOHANG answers (0, 0) while the child lives, and WNOWAIT leaves it to be waited for again."""

import os

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(w)
    os.read(r, 1)
    os._exit(9)
print(os.waitpid(pid, os.WNOHANG), os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG))
os.close(w)
for _ in range(2):
    info = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    print(info.si_pid == pid, info.si_status, info.si_code == os.CLD_EXITED)
print(os.waitpid(pid, os.WNOHANG) == (pid, 9 << 8))
try:
    os.waitpid(pid, 0)
except ChildProcessError as e:
    print(type(e).__name__, e.errno)
