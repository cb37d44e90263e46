"""RLIMIT_AS: mappings and the heap fail cleanly, and only below the limit."""

import mmap
import os
import resource

pid = os.fork()
if pid == 0:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    try:
        mmap.mmap(-1, 3 << 30)
    except OSError as e:
        print(type(e).__name__, e.strerror, flush=True)
    m = mmap.mmap(-1, 1 << 20)
    m[0] = 1
    print(m[0], resource.getrlimit(resource.RLIMIT_AS) == (2 << 30, 2 << 30), flush=True)
    os._exit(0)
print(os.waitpid(pid, 0)[1])
