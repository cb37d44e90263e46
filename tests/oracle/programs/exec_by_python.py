"""exec of sys.executable with a program that is no executable file, or is not there; first lines that name nobody."""

import os
import sys

home = f"/tmp/exec-by-python-{os.getpid()}"
os.mkdir(home)
with open(f"{home}/plain.py", "w") as f:
    f.write("import sys\nprint(sys.argv[1:], __name__)\nsys.exit(4)\n")
sys.stderr.close()
os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
for words in (["plain.py", "a"], ["-u", "plain.py", "b", "c"], ["missing.py"]):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.chdir(home)
        os.execv(sys.executable, [sys.executable, *words])
    print(words, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os.unlink(f"{home}/plain.py")
os.rmdir(home)
for line in (b"#!/nope/python\n", b"#!\n", b"text\n"):
    path = f"/tmp/first-line-{os.getpid()}"
    with open(path, "wb") as f:
        f.write(line)
    os.chmod(path, 0o755)
    try:
        os.execv(path, [path])
    except OSError as e:
        print(line, e.strerror)
    os.unlink(path)
