"""sys.exit flushes what print has buffered and runs atexit; os._exit does neither."""

import atexit
import os
import sys

for way in ("exit", "_exit", "error"):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        os.close(w)
        os.dup2(os.open("/dev/null", os.O_RDWR) if os.path.exists("/dev/null") else 1, 2)
        atexit.register(print, "atexit ran")
        print("buffered")
        if way == "exit":
            sys.exit(3)
        if way == "_exit":
            os._exit(3)
        raise SystemExit("a message")
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    print(way, text.split("\n"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
