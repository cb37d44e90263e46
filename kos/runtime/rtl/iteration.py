"""Iteration over guest iterators, in guest language: each step may suspend."""

from kos.runtime.guestgen import result_of_close
from kos.runtime.iteration import PENDING, steps
from kos.runtime.kernelcall import trap
from kos.traps import Carry


def run_on(gen):
    """Bring a generator that stands in a trap to its next value."""
    done, result = False, gen._pending
    while not done:
        failure = None
        try:
            answer = trap(result)
        except BaseException as exc:
            failure = exc
        done, result = gen.go_on(failure, None if failure is not None else answer)
    return result


def finish_next(gen, *default):
    """next() of a generator that stands in a trap."""
    if not default:
        return run_on(gen)
    try:
        return run_on(gen)
    except StopIteration:
        return default[0]


def finish_close(gen):
    """close() of a generator that stands in a trap on its way out."""
    try:
        run_on(gen)
    except (StopIteration, GeneratorExit) as end:
        return result_of_close(end)
    raise RuntimeError("generator ignored GeneratorExit")


def object_next(obj, *default):
    """next() of an object with a guest `__next__`."""
    if not default:
        return type(obj).__next__(obj)
    try:
        return type(obj).__next__(obj)
    except StopIteration:
        return default[0]


def plain_iter(obj):
    """iter() of an object with a guest `__iter__`."""
    iterator = type(obj).__iter__(obj)
    if not hasattr(type(iterator), "__next__"):
        raise TypeError(f"iter() returned non-iterator of type '{type(iterator).__name__}'")
    return iterator


def loop_iter(obj):
    """What a loop over such an object iterates."""
    return steps(plain_iter(obj))


def step_generator(adapter):
    """The next item of a loop over a generator that stands in a trap."""
    try:
        return run_on(adapter.gen)
    except StopIteration:
        return PENDING  # the loop asks it once more, and it is at its end


def step_object(adapter):
    """The next item of a loop over an object with a guest `__next__`."""
    try:
        return type(adapter.obj).__next__(adapter.obj)
    except StopIteration:
        adapter.done = True
    return PENDING


def collect(gen, limit):
    """A generator's items: all, or up to one more than limit."""
    items = []
    for item in gen:
        items.append(item)
        if len(items) > limit >= 0:
            break
    return items


def delegate(iterable):
    """`yield from`, as PEP 380 spells it out."""
    it = iter(iterable)
    sent = failure = None
    while True:
        try:
            if failure is not None:
                thrown, failure = failure, None
                value = it.throw(thrown)
            elif sent is None:
                value = next(it)
            else:
                value = it.send(sent)
        except StopIteration as end:
            return end.value
        thrown = None
        try:
            sent = yield value
        except GeneratorExit:
            close = getattr(it, "close", None)
            if close is not None:
                close()
            raise
        except BaseException as exc:
            if not hasattr(it, "throw"):
                raise
            failure = exc


def delegate_generator(gen):
    """`yield from` a guest's generator: its body is advanced right here, for recursive generators are deep."""
    value = failure = None
    in_trap = False
    while True:
        methods = gen.methods(in_trap)
        if methods is None:
            if failure is not None:
                raise failure
            return None
        try:
            result = methods[0](value) if failure is None else methods[1](failure)
        except Carry as carry:
            gen._finish()
            raise RuntimeError("generator raised StopIteration") from carry
        except StopIteration as end:
            gen._finish()
            return end.value
        except BaseException:
            gen._finish()
            raise
        finally:
            methods = value = failure = None
        in_trap = type(result) is not tuple
        if in_trap:
            gen._pending = result
            try:
                value = trap(result)
            except BaseException as exc:
                failure = exc
        else:
            gen._running = False
            try:
                value = yield result[0]
            except GeneratorExit:
                gen.close()
                raise
            except BaseException as exc:
                failure = exc
