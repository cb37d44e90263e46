"""When its parent ends, a child gets another one."""

import os

r, w = os.pipe()
gone_r, gone_w = os.pipe()
pid = os.fork()
if pid == 0:
    middle = os.getpid()
    if os.fork() == 0:
        os.close(gone_w)
        os.read(gone_r, 1)
        while os.getppid() == middle:
            os.sched_yield()
        os.write(w, b"adopted")
        os._exit(0)
    os._exit(0)
os.close(w)
print(os.waitpid(pid, 0) == (pid, 0))
os.close(gone_w)
print(os.read(r, 10), os.read(r, 10))
