"""Exit codes and signals as the W* macros see them."""

import os
import signal


def show(end):
    pid = os.fork()
    if pid == 0:
        end()
    status = os.waitpid(pid, 0)[1]
    print(
        os.WIFEXITED(status),
        os.WEXITSTATUS(status),
        os.WIFSIGNALED(status),
        os.WTERMSIG(status),
        os.waitstatus_to_exitcode(status),
    )


show(lambda: os._exit(0))
show(lambda: os._exit(255))
show(lambda: os._exit(256 + 3))
show(lambda: os._exit(-1))
for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1):
    show(lambda number=number: os.kill(os.getpid(), number))
