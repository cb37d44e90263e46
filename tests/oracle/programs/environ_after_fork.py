"""A child's changes to the environment are its own."""

import os

os.environ["KOS_WHO"] = "parent"
pid = os.fork()
if pid == 0:
    os.environ["KOS_WHO"] = "child"
    del os.environ["HOME"]
    print(os.environ["KOS_WHO"], "HOME" in os.environ, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(os.environ["KOS_WHO"], "HOME" in os.environ)
