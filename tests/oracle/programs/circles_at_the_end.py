"""Objects in a circle are finalized at the end of each process, its functions and modules still there."""

import os
import sys


class Node:
    def __init__(self, name):
        self.name = name
        self.other = self

    def __del__(self):
        tell("gone", self.name)


def tell(*words):
    print(*words, os.getpid() > 0)


def given(node=Node("a default")):  # noqa: B008  # that it is made once is what is looked at
    return node


given().other = None
del given
tell("nothing keeps a function that was called")
one, two = Node("one"), Node("two")
one.other, two.other = two, one
alone = Node("alone")
sys.stdout.flush()
if os.fork():
    os.wait()
    tell("parent ends")
else:
    alone.name += ", in the child"
    tell("child ends")
