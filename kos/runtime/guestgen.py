"""The guest's generators.

A generator's body is a native generator that yields two kinds of things: a 1-tuple with a value for whoever
iterates it, and traps for the kernel. `GuestGen` is the object that the guest holds: C code iterates it
synchronously (`__next__`, `send`, ...), guest code through `iteration.GENERATOR_METHODS`, which give the trap on to
the guest's own chain of frames, so that the whole task can still be captured.
"""

from __future__ import annotations

import collections.abc
import sys
from types import FunctionType, GeneratorType
from typing import Any

from kos.compiler.units import by_body
from kos.compiler.units import info as code_info
from kos.runtime import hooks
from kos.runtime.frames import Frame, capture, rebuild
from kos.runtime.sync import suspend
from kos.traps import LANDED, Carry, Thrown, unwrap


class GuestGen:
    """A generator of compiled guest code, running, suspended, or finished."""

    __slots__ = ("__name__", "__qualname__", "__weakref__", "_body", "_fn", "_landed", "_pending", "_running")

    def __init__(self, fn: Any, body: GeneratorType[Any, Any, Any], name: str, qualname: str) -> None:
        self._fn = fn  #: kept while the body may need its closure; None for generator expressions
        self._body: GeneratorType[Any, Any, Any] | None = body
        self._landed = True  #: False: rebuilt, and must be run to its leaf before anything is sent
        self._running = False  #: somebody iterates it, perhaps suspended in a trap meanwhile
        self._pending: Any = None  #: the trap in which it is suspended while it runs
        self.__name__ = name
        self.__qualname__ = qualname

    # -- stepping -----------------------------------------------------------------------------------------------

    def step(self, exc: BaseException | None, value: Any) -> tuple[bool, Any]:
        """Advance the body by a value or an exception: (True, what it yields) or (False, the trap it stands in)."""
        if self._running:
            raise ValueError("generator already executing")
        if self._body is None:
            if exc is not None:
                raise exc
            raise StopIteration
        self._running = True
        if exc is None:
            return self.go_on(None, value)
        try:
            return self.go_on(exc, value)
        finally:
            del exc  # it holds this frame in its traceback: without this, a cycle, and everything in it lives on

    def advance(self) -> Any:
        """A 1-tuple of what next() of it yields, or the trap that it stands in.

        `step` in a single frame: each recursive generator has one of its own in between.
        """
        body = self._body
        if self._running or body is None or not self._landed:
            done, result = self.step(None, None)
            return (result,) if done else result
        self._running = True
        try:
            result = body.send(None)
        except Carry as carry:
            self._finish()
            stop = unwrap(carry)
        except BaseException:
            self._finish()
            raise
        else:
            if type(result) is tuple:
                self._running = False
                return result
            self._pending = result
            return result
        raise RuntimeError("generator raised StopIteration") from stop

    def methods(self, in_trap: bool) -> tuple[Any, Any] | None:
        """send and throw of its body, for a guest's frame that drives it; None: it is at its end.

        in_trap: the driver comes back with the trap's answer. The driver sees to `_running`, `_pending` and the end.
        """
        if not in_trap:
            if self._running:
                raise ValueError("generator already executing")
            if self._body is None:
                return None
            self._running = True
        self._pending = None
        body = self.land()
        return body.send, body.throw

    def land(self) -> GeneratorType[Any, Any, Any]:
        """Its body, at its leaf."""
        body = self._body
        assert body is not None
        if not self._landed:
            landing = body.send(None)
            assert landing is LANDED, landing
            self._landed = True
        return body

    def go_on(self, exc: BaseException | None, value: Any) -> tuple[bool, Any]:
        """Advance a running body, with a trap's answer where it stands in one."""
        body = self._body
        assert body is not None
        at_yield, self._pending = self._pending is None, None
        try:
            self.land()
            if exc is None:
                result = body.send(value)
            elif at_yield and isinstance(exc, GeneratorExit) and body.gi_suspended:
                result = body.send(Thrown(exc))
            else:
                result = body.throw(exc)
        except Carry as carry:
            self._finish()
            stop = unwrap(carry)
        except TypeError:
            # "can't send non-None value to a just-started generator" leaves it as it was.
            self._running = False
            if body.gi_frame is None:
                self._body = self._fn = None
            raise
        except BaseException:
            self._finish()
            raise
        else:
            if type(result) is tuple:
                self._running = False
                return True, result[0]
            self._pending = result
            return False, result
        finally:
            exc = None  # as in step()
        raise RuntimeError("generator raised StopIteration") from stop

    def _finish(self) -> None:
        self._running = False
        self._body = self._fn = self._pending = None

    def _sync(self, exc: BaseException | None, value: Any) -> Any:
        try:
            done, result = self.step(exc, value)
        finally:
            exc = None  # as in step()
        return result if done else self._to_value(result)

    def _to_value(self, trap: Any) -> Any:
        """What it yields next, from a trap that it stands in; under C code."""
        done, result = False, trap
        while not done:
            try:
                answer = suspend(result)
            except BaseException as raised:
                exc = raised
            else:
                done, result = self.go_on(None, answer)
                continue
            try:
                done, result = self.go_on(exc, None)
            finally:
                del exc  # as in step()
        return result

    # -- for C code: synchronously ------------------------------------------------------------------------------

    def __iter__(self) -> GuestGen:
        return self

    def __next__(self) -> Any:
        # What `sum(gen)` and `list(gen)` call for each item: a value comes without a detour through _sync().
        result = self.advance()
        return result[0] if type(result) is tuple else self._to_value(result)

    def send(self, value: Any, /) -> Any:
        """Resume it with a value: what it yields next."""
        return self._sync(None, value)

    def throw(self, typ: Any, val: Any = None, tb: Any = None, /) -> Any:
        """Raise an exception where it stands: what it yields next."""
        return self._sync(as_exception(typ, val, tb), None)

    def close(self) -> Any:
        """Let it end: GeneratorExit is raised where it stands."""
        if not self.must_close():
            return None
        try:
            self._sync(GeneratorExit(), None)
        except (StopIteration, GeneratorExit) as end:
            return result_of_close(end)
        raise RuntimeError("generator ignored GeneratorExit")

    def must_close(self) -> bool:
        """Whether closing it has anything to run; one that has not started just ends."""
        if self._running:
            raise ValueError("generator already executing")
        if self._body is None:
            return False
        if self._landed and not self._body.gi_suspended:
            self._body.close()
            self._finish()
            return False
        return True

    def __del__(self) -> None:
        if hooks.DEAD[0] or self._body is None or self._running:
            return
        try:
            self.close()
        except BaseException as error:
            hooks.unraisable(error, self)

    # -- looks --------------------------------------------------------------------------------------------------

    @property
    def gi_running(self) -> bool:
        """Whether it is being executed."""
        return self._running

    @property
    def gi_suspended(self) -> bool:
        """Whether it stands at a yield."""
        body = self._body
        return body is not None and not self._running and (not self._landed or body.gi_suspended)

    @property
    def gi_frame(self) -> Any:
        """Its frame; None once it has ended."""
        return None if self._body is None else self._body.gi_frame

    @property
    def gi_code(self) -> Any:
        """The code of its function."""
        if self._body is None:
            return None
        info = by_body.get(id(self._body.gi_code))
        return self._body.gi_code if info is None else info.stub

    @property
    def gi_yieldfrom(self) -> None:
        """What it delegates to: not shown."""
        return None

    def __repr__(self) -> str:
        return f"<generator object {self.__qualname__} at {id(self):#x}>"

    # -- as data ------------------------------------------------------------------------------------------------

    def __kos_state__(self) -> tuple[Any, ...]:
        """(function, name, qualname, running, pending trap, frames); frames: a list of `Frame`, None at its end.

        The frames' values are the live ones. A generator that runs is captured down to the trap it stands in; its
        driver, which is a guest frame that holds this object, is captured with the frames around it.
        """
        if self._body is None:
            frames: list[Frame] | None = None
        elif not self._landed:
            self.land()
            frames = capture(self._body)
        else:
            frames = capture(self._body)
        return self._fn, self.__name__, self.__qualname__, self._running, self._pending, frames

    def __kos_setstate__(self, state: tuple[Any, ...]) -> None:
        """Make this (new, empty) object what `__kos_state__` described."""
        self._fn, self.__name__, self.__qualname__, self._running, self._pending, frames = state
        self._landed = True
        self._body = None
        if frames is not None:
            body: Any = rebuild(frames)
            self._body = body
            self._landed = frames[0].point == 0

    @classmethod
    def from_state(cls, state: tuple[Any, ...]) -> GuestGen:
        """A generator that stands where the one stood whose state this is."""
        gen = cls.__new__(cls)
        gen.__kos_setstate__(state)
        return gen


class NativeGen(GuestGen):
    """A generator of native Python code, in a guest's hands.

    Guest calls tell results from bodies by type, so no native generator object may reach a guest unwrapped.
    """

    __slots__ = ()

    def __init__(self, body: GeneratorType[Any, Any, Any]) -> None:
        super().__init__(None, body, body.__name__, body.__qualname__)

    def advance(self) -> Any:
        """A 1-tuple of what next() of it yields: it stands in no trap."""
        return (self.step(None, None)[1],)

    def go_on(self, exc: BaseException | None, value: Any) -> tuple[bool, Any]:
        """Advance it; whatever it yields is a value."""
        body = self._body
        assert body is not None
        try:
            result = body.send(value) if exc is None else body.throw(exc)
        except BaseException:
            if body.gi_frame is None:
                self._finish()
            self._running = False
            raise
        self._running = False
        return True, result


GuestGen.__name__ = GuestGen.__qualname__ = "generator"
GuestGen.__module__ = "builtins"
NativeGen.__name__ = NativeGen.__qualname__ = "generator"
NativeGen.__module__ = "builtins"
collections.abc.Generator.register(GuestGen)


def as_exception(typ: Any, val: Any = None, tb: Any = None) -> BaseException:
    """The exception that `throw(typ, val, tb)` means."""
    if isinstance(typ, BaseException):
        if val is not None:
            raise TypeError("instance exception may not have a separate value")
        exc = typ
    elif isinstance(typ, type) and issubclass(typ, BaseException):
        exc = val if isinstance(val, typ) else typ() if val is None else typ(*val) if type(val) is tuple else typ(val)
    else:
        what = type(typ).__name__
        raise TypeError(f"exceptions must be classes or instances deriving from BaseException, not {what}")
    return exc if tb is None else exc.with_traceback(tb)


def make_generator(fn: FunctionType | None, body: Any, unit_id: str, index: int) -> GuestGen:
    """The generator object for a fresh body of a generator function."""
    info = code_info(unit_id, index)
    if fn is None:
        return GuestGen(None, body, info.name, info.qualname)
    return GuestGen(fn, body, fn.__name__, fn.__qualname__)


def result_of_close(end: StopIteration | GeneratorExit) -> Any:
    """What close() of a generator returns that ended so: from Python 3.13 on what the generator did."""
    end.__traceback__ = None
    return end.value if isinstance(end, StopIteration) and sys.version_info >= (3, 13) else None
