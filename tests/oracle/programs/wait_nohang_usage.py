"""wait3 and wait4 with WNOHANG give an empty usage while no child has news; setsid gives nothing."""

import os

r, w = os.pipe()
child = os.fork()
if child == 0:
    os.read(r, 1)
    print(os.setsid(), os.getsid(0) == os.getpid(), flush=True)
    os._exit(2)
print(os.wait3(os.WNOHANG), flush=True)
print(os.wait4(child, os.WNOHANG)[2] == os.wait3(os.WNOHANG)[2], flush=True)
os.write(w, b"x")
pid, status, usage = os.wait4(child, 0)
print(pid == child, status, type(usage).__name__)
for name in ("", "a=b"):
    try:
        os.putenv(name, "x")
    except (OSError, ValueError) as e:
        print(type(e).__name__, e)
