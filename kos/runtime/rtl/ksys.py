"""The resumable side of the kernel's entry: waiting in a system call, and signal handlers.

Guest code: it can be captured, copied by a fork and moved to another CPU at every trap in it.
"""

from _kos import next_action, retry, run_handler, trap


def wait_in_call(call, args, wait):
    """A call had to wait: give up the CPU, and execute it again from its start, until it has a result."""
    while True:
        trap(wait)
        actions()
        waits, answer = retry(call, args)
        if not waits:
            if next_action is not None:
                actions()
            return answer
        wait = answer


def after_call(result):
    """Something is pending on the way out of a system call: see to it, then return the call's result."""
    actions()
    return result


def actions():
    """What the kernel wants of this task before it goes on: run handlers, give way, stop, end."""
    while True:
        action = next_action()
        if action is None:
            return
        if type(action) is int:
            run_handler(action)
        else:
            trap(action)
