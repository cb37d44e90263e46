"""Processes that cannot be moved, because C code is on their stack, while other CPUs ask for them."""

import os


def tree(depth):
    if depth == 0:
        os._exit(1)
    children = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            tree(depth - 1)
        children.append(pid)
    os._exit(sum(os.waitpid(pid, 0)[1] >> 8 for pid in children))


pid = os.fork()
if pid == 0:
    tree(3)
print(os.waitpid(pid, 0)[1] >> 8)
