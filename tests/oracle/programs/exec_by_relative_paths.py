"""sys.argv[0] is the path that exec was given, `__file__` the same made absolute, sys.path[0] the file's own folder."""

import os
import sys

home = f"/tmp/exec-by-relative-paths-{os.getpid()}"
PROGRAM = """#!/usr/bin/env python3
import os, sys
home = os.environ["HOME_FOLDER"]
print(*(word.replace(home, "HOME") for word in (sys.argv[0], __file__, sys.path[0])), sys.argv[1:])
try:
    import helper
    print(helper.__file__.replace(home, "HOME"))
except ImportError:
    print("no helper")
"""
os.makedirs(home + "/sub")
os.chdir(home)
for name in ("prog.py", "sub/prog.py", "bare"):
    with open(name, "w") as f:
        f.write(PROGRAM)
    os.chmod(name, 0o755)
with open("sub/helper.py", "w") as f:
    f.write("")
os.symlink("sub/prog.py", "link.py")
os.environ.update(HOME_FOLDER=home, PYTHONDONTWRITEBYTECODE="1", PATH=home + ":" + os.environ["PATH"])
for path in ("prog.py", "./bare", "sub/../prog.py", "./sub/prog.py", "link.py", home + "/sub//prog.py"):
    for run, program, argv in (
        (os.execv, path, ["zero", "execv"]),
        (os.execv, sys.executable, [sys.executable, path, "by python"]),
        (os.execvp, path, ["zero", "execvp"]),
    ):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            run(program, argv)
        print(os.waitpid(pid, 0)[1])
for name in ("link.py", "sub/helper.py", "sub/prog.py", "prog.py", "bare"):
    os.unlink(name)
os.rmdir("sub")
os.rmdir(home)
