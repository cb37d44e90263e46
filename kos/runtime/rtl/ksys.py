"""The resumable side of the kernel's entry: waiting in a system call, and signal handlers.

Guest code: it can be captured, copied by a fork and moved to another CPU at every trap in it.
"""

from _kos import (
    ATTEND,
    RESCHED,
    handler_raised,
    next_action,
    put_restart,
    retry,
    run_handler,
    stress_due,
    take_restart,
    trap,
    woken,
)


def wait_in_call(name, args, wait):
    """A call had to wait: give up the CPU, and execute it again from its start, until it has a result.

    A handler that runs in between may make calls that wait themselves, so the call's own memory over its
    restarts is put aside meanwhile; if the handler raises, it is gone with the call. In a call that the C library
    itself takes up again (sigwait), CPython has no chance to run handlers: they run when it is over.
    """
    handlers = name != "sigwait"
    while True:
        trap(wait)
        done, answer = woken(name, args)
        if done is None:
            saved = take_restart()
            actions(handlers)
            put_restart(saved)
            done, answer = retry(name, args)
        if done:
            if done == ATTEND:
                actions()
            return answer
        wait = answer


def after_call(result):
    """Something is pending on the way out of a system call: see to it, then return the call's result."""
    if stress_due():
        trap(RESCHED)
    actions()
    return result


def after_error(error):
    """The same for a call that failed."""
    actions()
    try:
        raise error
    finally:
        del error  # its traceback holds this frame


def actions(handlers=True):
    """What the kernel wants of this task before it goes on: run handlers, give way, stop, end."""
    done = 0
    while True:
        action = next_action(handlers, done)
        if action is None:
            return
        if type(action) is int:
            try:
                run_handler(action)
            except BaseException:
                handler_raised()
                raise
            done = action
        else:
            trap(action)


def stress():
    """--stress-context: suspend here, whether there is a reason or not."""
    trap(RESCHED)
    actions()
