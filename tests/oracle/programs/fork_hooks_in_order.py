"""register_at_fork: before from the last to the first, after from the first to the last; exceptions do not stop it."""

import os

log = []


def broken():
    log.append("broken")
    raise ValueError("ignored")


os.register_at_fork(
    before=lambda: log.append("before 1"),
    after_in_parent=lambda: log.append("parent 1"),
    after_in_child=lambda: log.append("child 1"),
)
os.register_at_fork(before=lambda: log.append("before 2"), after_in_child=lambda: log.append("child 2"))
os.register_at_fork(after_in_parent=lambda: log.append("parent 3"))
pid = os.fork()
if pid == 0:
    print("child:", log, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print("parent:", log)
