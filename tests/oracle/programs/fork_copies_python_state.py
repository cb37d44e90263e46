"""What a child does to lists, closures, class attributes, iterators and limits of `sys` stays the child's."""

import os
import sys


class Box:
    items = ["class"]


def counter():
    n = 0

    def count():
        nonlocal n
        n += 1
        return n

    return count


def default(seen=[]):  # noqa: B006  # the shared default is the point
    seen.append(len(seen))
    return seen


tick = counter()
letters = iter("abcdef")
alias = Box.items
tick(), next(letters), default()
pid = os.fork()
if pid == 0:
    Box.items.append("child")
    print("child:", tick(), next(letters), next(letters), default(), alias is Box.items, alias, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print("parent:", tick(), next(letters), default(), alias is Box.items, alias)


def digits():
    try:
        return len(str(10**5000))
    except ValueError as error:
        return str(error)


sys.set_int_max_str_digits(6000)
if os.fork() == 0:
    sys.set_int_max_str_digits(4300)
    print("child:", digits(), flush=True)
    os._exit(0)
os.wait()
print("parent:", digits(), sys.get_int_max_str_digits())
