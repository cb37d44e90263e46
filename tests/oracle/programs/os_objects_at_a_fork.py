"""What os and the builtins hand out is the same in a forked child: print itself, scheduling parameters, results."""

import atexit
import os
import resource
import signal
import time

kept = [print, input, open, len, os.fork, os.getpid]
param = os.sched_param(0)
results = [os.waitid_result((1, 2, 3, 4, 5)), os.terminal_size((1, 2)), time.gmtime(0), signal.struct_siginfo(range(7))]
usage = resource.getrusage(resource.RUSAGE_SELF)
atexit.register(print, "not printed")
child = os.fork()
status = os.waitpid(child, 0)[1] if child else None
print([one is now for one, now in zip(kept, [print, input, open, len, os.fork, os.getpid], strict=True)])
print(param, results, len(usage), flush=True)
if child == 0:
    atexit.unregister(print)
    raise SystemExit(5)
print(status)
atexit.unregister(print)

for mode in (os.P_WAIT, os.P_NOWAIT):
    word = "here" if mode == os.P_WAIT else "meanwhile"
    code = os.spawnle(mode, "/tmp/no such program", "x", {"A": "b"})
    print(word, code if mode == os.P_WAIT else os.waitstatus_to_exitcode(os.waitpid(code, 0)[1]))
