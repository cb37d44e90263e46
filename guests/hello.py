"""Print a line from a process, and one from its child: the smallest program that forks.

Look for: the child's pid is not the parent's, both lines appear, and the parent sees how the child ended. Usage:
hello [NAME]
"""

import os
import sys


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else "world"
    print(f"hello, {name}", flush=True)  # flushed: what is still in the buffer at a fork is printed twice
    pid = os.fork()
    if pid == 0:
        print("hello from the child", flush=True)
        os._exit(7)
    done, status = os.waitpid(pid, 0)
    print("the child ended with", os.waitstatus_to_exitcode(status), "and was the one waited for:", done == pid)
    return 0


if __name__ == "__main__":
    sys.exit(main())
