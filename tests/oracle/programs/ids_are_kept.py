"""id() of an object is the same in the child as in the parent, and new objects get numbers of their own."""

import os
import sys


class Node:
    pass


nodes = [Node() for _ in range(20)]
numbers = {id(node): place for place, node in enumerate(nodes)}


def show():
    more = [Node() for _ in range(200)]
    print([numbers[id(node)] for node in nodes] == list(range(20)))
    print(len({id(node) for node in nodes + more}), max(map(id, more)) == max(id(node) for node in more))


show()
sys.stdout.flush()
if os.fork() == 0:
    show()
    sys.stdout.flush()
    if os.fork() == 0:
        show()
        sys.stdout.flush()
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
show()
