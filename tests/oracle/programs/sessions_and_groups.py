"""setsid and setpgid: who leads what, and what is refused."""

import os

pid = os.fork()
if pid == 0:
    print(os.setsid() is None or True, os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid(), flush=True)
    try:
        os.setsid()
    except PermissionError as e:
        print("setsid again:", e.strerror, flush=True)
    try:
        os.setpgid(0, 0)
    except PermissionError as e:
        print("session leader:", e.strerror, flush=True)
    inner = os.fork()
    if inner == 0:
        print(os.getpgrp() == os.getppid(), flush=True)
        os.setpgrp()
        print(os.getpgrp() == os.getpid(), os.getsid(0) == os.getppid(), flush=True)
        os._exit(0)
    os.waitpid(inner, 0)
    os._exit(0)
os.waitpid(pid, 0)
try:
    os.getpgid(pid)
except ProcessLookupError as e:
    print(e)
