"""Where a traceback sees `__enter__` and `__exit__` called from: its line, and what it underlines there."""

import os
import traceback


class Manager:
    def __init__(self, fails):
        self.fails = fails

    def __enter__(self):
        os.getpid()
        if self.fails == "enter":
            raise KeyError("enter")
        return self

    def __exit__(self, *error):
        os.getpid()
        if self.fails == "exit":
            raise KeyError("exit")


def entering():
    with Manager("enter"):
        os.getpid()


def leaving():
    with Manager("exit") as manager:
        return manager


def failing():
    with Manager("exit"):
        raise ValueError("body")


def second():
    with (
        Manager("") as one,
        Manager("exit") as other,
    ):
        os.getpid()
    return one, other


def continuing():
    for _ in range(3):
        with Manager("exit"):
            continue


def no_manager():
    with 5 as five:
        os.getpid()
    return five


def unpacking():
    with Manager("") as (one, other):
        os.getpid()
    return one, other


for function in (entering, leaving, failing, second, continuing, no_manager, unpacking):
    try:
        function()
    except Exception:
        print(traceback.format_exc())
