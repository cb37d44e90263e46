#!/usr/bin/env python3
"""posix_spawnp finds a program along PATH; execvp goes on past what cannot be executed."""

import os
import sys

if len(sys.argv) > 1:
    print("found", sys.argv[1:], flush=True)
    sys.exit(6)
folder = f"/tmp/path-{os.getpid()}"
os.makedirs(folder + "/a")
os.makedirs(folder + "/b")
with open(folder + "/a/prog", "w") as f:
    f.write("not executable\n")
with open(folder + "/b/prog", "w") as f:
    f.write("#!/usr/bin/env python3\nimport sys\nprint('prog', sys.argv[1:], flush=True)\nsys.exit(5)\n")
os.chmod(folder + "/b/prog", 0o755)
os.environ["PATH"] = f"{folder}/none:{folder}/a:{folder}/b:" + os.environ.get("PATH", "/usr/bin:/bin")
pid = os.fork()
if pid == 0:
    os.execvp("prog", ["prog", "by execvp"])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
try:
    os.posix_spawnp("no-such-prog", ["x"], os.environ)
except FileNotFoundError as e:
    print(e)
pid = os.posix_spawnp(sys.argv[0], [sys.argv[0], "by spawnp"], os.environ)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
# Python itself is on the path, too.
pid = os.posix_spawnp("python3", ["python3", "-c", "import sys; sys.exit(len(sys.argv))", "x"], os.environ)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
pid = os.fork()
if pid == 0:
    os.execlp("python3", "python3", folder + "/b/prog", "by python")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
for name in ("a/prog", "b/prog", "a", "b", ""):
    (os.unlink if name.endswith("prog") else os.rmdir)(f"{folder}/{name}" if name else folder)
