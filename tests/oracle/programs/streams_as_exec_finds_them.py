#!/usr/bin/env python3
"""A program's standard streams are what its descriptors are when it starts: None where one is closed, null is null."""

import os
import sys

if len(sys.argv) > 1:
    out = os.fdopen(int(sys.argv[1]), "w")
    print([s if s is None else (s.name, s.errors) for s in (sys.stdin, sys.stdout, sys.stderr)], file=out)
    print("nowhere")
    try:
        print(repr(input()), file=out)
    except (EOFError, RuntimeError) as e:
        print(type(e).__name__, e, file=out)
    out.close()
    sys.exit(4)

# Standard input is /dev/null here: it takes what is written, and no output shows it.
print(os.write(0, b"into nothing"), os.read(0, 5), os.lseek(0, 0, os.SEEK_CUR))
null = os.stat("/dev/null")
print(os.fstat(0).st_rdev == null.st_rdev, os.major(null.st_rdev), os.minor(null.st_rdev), os.path.samestat(null, null))
keep = os.dup(1)
os.set_inheritable(keep, True)
env = {"PATH": os.environ["PATH"]}
for changes in ({"LC_ALL": "C"}, {"LANG": "C.UTF-8", "LC_CTYPE": ""}, {"PYTHONIOENCODING": ":ignore"}):
    for closed in ((), (0, 1, 2), (1,), (0,)):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
            for fd in closed:
                os.set_inheritable(fd, False)
            os.execve(sys.argv[0], [sys.argv[0], str(keep)], {**env, **changes})
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
