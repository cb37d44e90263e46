"""As many live processes as fit, argv[1] at most: prints their number."""

import os
import signal
import sys


def main() -> None:
    children = []
    try:
        while len(children) < int(sys.argv[1]):
            pid = os.fork()
            if pid == 0:
                signal.pause()
                os._exit(0)
            children.append(pid)
    except OSError:
        pass  # no memory or no process left: that is the answer
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
    print(len(children))


main()
