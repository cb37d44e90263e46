"""python -c: the program is the text; it may fork, import what lies in the current directory, and fail as usual."""

import os
import sys


def run(text, *words, spawn=False):
    sys.stdout.flush()
    argv = [sys.executable, "-S", "-c", text, *words]
    if spawn:
        child = os.posix_spawn(sys.executable, argv, os.environ)
    else:
        child = os.fork()
        if child == 0:
            os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
            os.execv(sys.executable, argv)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


home = f"/tmp/exec-of-a-text-{os.getpid()}"
os.mkdir(home)
os.chdir(home)
with open("beside.py", "w") as f:
    f.write("WORD = 'imported'\n")
print(run("import sys; print(sys.argv, __name__, '__file__' in globals())", "a", "b"))
print(run("import sys, beside; print(beside.WORD, sys.path[0] == ''); sys.exit(7)", spawn=True))
print(run("import os\nif os.fork() == 0:\n    print('child')\n    os._exit(3)\nprint(os.wait()[1])\n"))
print(run("def broken(:"), run("1 / 0"), run(""))
os.unlink("beside.py")
os.rmdir(home)
