"""The life of a guest's program: its module's body, then its end, as CPython ends.

Follows Modules/main.c (pymain_run_file), Python/pythonrun.c (handle_system_exit) and
Python/pylifecycle.c (Py_FinalizeEx).
"""

from _kos import Exit, start_signals, trap

from kos.runtime import ending
from kos.runtime.running import run_body


def main(path):
    """Run the program; never returns."""
    interrupted = False
    start_signals()
    try:
        unit_id, namespace = ending.load_main(path)
        status = 0
        if unit_id is None:
            status = 2  # as CPython where the file cannot be opened
        else:
            run_body(unit_id, namespace)
        del namespace
    except SystemExit as error:
        status = ending.exit_status(error)
    except BaseException as error:
        status = 1
        interrupted = isinstance(error, KeyboardInterrupt)
        report(error)
    failed = finish()
    if interrupted:
        # As CPython does: it dies of the signal, so that a shell above it notices.
        trap(Exit(2, True))
    trap(Exit(((120 if failed else status) & 255) << 8, True))


def report(error):
    """What sys.excepthook, perhaps the guest's own, does with an uncaught exception."""
    hook = ending.excepthook()
    if hook is None:
        return
    try:
        hook(type(error), error, error.__traceback__)
    except BaseException as again:
        ending.report_broken_hook(again, error)


def finish():
    """atexit's callbacks, the last one first; then what is still open is flushed. Whether that failed."""
    ending.end_begins()
    _run_exitfuncs()
    failed = ending.flush_streams()
    ending.drop_modules()
    return ending.flush_streams() or failed


def _run_exitfuncs():
    """Run all registered exit functions: the last one first, and none of them again."""
    place = ending.nr_exit_calls()
    while place > 0:
        place -= 1
        call = ending.exit_call(place)
        if call is None:
            continue
        function, args, kwargs = call
        try:
            function(*args, **kwargs)
        except BaseException as error:
            ending.report_exit_call(function, error)
    ending.forget_exit_calls()


def thread(fn, args):
    """A thread's first function; stands at a trap when it is made, so that it can be saved."""
    trap(ending.START)
    fn(*args)
