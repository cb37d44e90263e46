"""A toy kernel: enough to run guest programs on the compiler and the language runtime alone.

`run(source)` gives what the program prints and how it ends. With `stress`, the pending word is always set, every trap
captures all frames, drops them and rebuilds them in place, and so does every generator that is suspended
anywhere: a program must not notice.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import linecache
import os
import sys
import traceback
import types
import weakref
from typing import Any

from kos.compiler import compile_unit
from kos.runtime import calls, guestgen, helpers, hooks, library
from kos.runtime.frames import CannotCapture, capture, rebuild
from kos.runtime.functions import module_body
from kos.runtime.guestgen import GuestGen, NativeGen
from kos.runtime.kernelcall import KernelCall
from kos.traps import LANDED, Carry, Resched, Wait, unwrap

SYSCALLS = ("getpid", "write", "read", "close", "pipe", "pipe2", "waitpid", "wait")

_SYSCALL = """
from kos.runtime.kernelcall import trap
from kos.traps import Wait


def call(f, args, kwargs):
    trap(Wait())
    return f(*args, **kwargs)
"""


class Fork(Wait):
    """A fake fork: the rest of the program runs twice."""

    __slots__ = ()


class Toy:
    """One run of one program."""

    def __init__(self, stress: bool) -> None:
        self.stress = stress
        self.traps = 0
        self.gens: weakref.WeakSet[GuestGen] = weakref.WeakSet()
        self.modules: dict[str, Any] = {}

    # -- modules ------------------------------------------------------------------------------------------------

    def load(self, name: str, globals_: Any, fromlist: Any, level: int) -> Any:
        """`$import`: native modules, with some system calls that trap."""
        module = library.native_import(name, globals_, fromlist, level)
        if module is os:
            if "os" not in self.modules:
                copy = types.ModuleType("os")
                vars(copy).update(vars(os))
                unit = compile_unit(_SYSCALL, "<toy syscalls>", kind="rtl")
                own: dict[str, Any] = {"__name__": "toy", "__builtins__": self.builtins}
                with contextlib.suppress(StopIteration):
                    module_body(unit.id, own).send(None)
                maker = calls.maker_of(own["call"])
                for call in SYSCALLS:
                    setattr(copy, call, self.syscall(call, getattr(os, call), maker))
                self.modules["os"] = copy
            return self.modules["os"]
        return module

    def syscall(self, name: str, f: Any, maker: Any) -> KernelCall:
        """A native function as a system call that suspends once before it runs."""
        return KernelCall(name, lambda *args, **kwargs: maker(f, args, kwargs))

    # -- running ------------------------------------------------------------------------------------------------

    def body(self, source: str, filename: str) -> Any:
        """The body of the program's main module."""
        unit = compile_unit(source, filename)
        self.builtins = own = dict(vars(builtins))
        hooks.pending = self.stress
        helpers.install(own)
        own["$import"] = self.load
        self.globals: dict[str, Any] = {"__name__": "__main__", "__builtins__": own, "__file__": filename}
        main = types.ModuleType("__main__")
        self.globals["__spec__"] = None
        vars(main).update(self.globals)
        return module_body(unit.id, self.globals)

    def drive(self, gen: Any) -> Any:
        """Answer traps until the body ends."""
        answer: Any = None
        while True:
            try:
                trap = gen.send(answer)
            except StopIteration as end:
                return end.value
            except Carry as carry:
                raise carry.exc from None
            self.traps += 1
            if self.stress:
                gen = self.recreate(gen)
            answer = self.answer(trap)

    def answer(self, trap: Any) -> Any:
        """What the kernel says to a trap."""
        assert isinstance(trap, (Wait, Resched)), trap
        return None

    def recreate(self, gen: Any) -> Any:
        """Capture everything, drop it, and rebuild it where it stood."""
        frames = capture(gen)
        states = []
        for one in list(self.gens):
            if one._body is not None and type(one) is GuestGen and not one._body.gi_running:
                states.append((one, one.__kos_state__()))
        with hooks.dead():
            gen.close()
            del gen
            for one, _ in states:
                body, one._body = one._body, None
                body.close()
                del body
        while states:
            one, state = states.pop()
            one.__kos_setstate__(state)
        made = rebuild(frames)
        # From 3.12 on this frame may outlive the call, as what a traceback's frame was called by: it keeps nothing.
        frames.clear()
        one = state = None  # type: ignore[assignment]  # these two as well
        landing = made.send(None)
        assert landing is LANDED, landing
        return made

    def run(self, source: str, filename: str) -> str | None:
        """Run a program; how it ended, None for the end of its module."""
        made = guestgen.GuestGen.__init__
        toy = self

        def watched(gen: GuestGen, *args: Any) -> None:
            made(gen, *args)
            toy.gens.add(gen)

        before = hooks.suspend
        hooks.suspend = self.answer
        guestgen.GuestGen.__init__ = watched  # type: ignore[method-assign]
        try:
            self.drive(self.body(source, filename))
        except BaseException as exc:
            exc = unwrap(exc)
            if isinstance(exc, CannotCapture):
                raise
            if os.environ.get("TOY_TRACE"):
                traceback.print_exception(exc, file=sys.stderr)
            return f"{type(exc).__name__}: {exc}"
        finally:
            guestgen.GuestGen.__init__ = made  # type: ignore[method-assign]
            hooks.suspend = before
            hooks.pending = False
        return None


def run(source: str, stress: bool = False, filename: str = "<guest>") -> tuple[str, str | None]:
    """(stdout, how it ended) of a program under the toy kernel."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        end = Toy(stress).run(source, filename)
        gc.collect()
    return out.getvalue(), end


def native(source: str, filename: str = "<guest>") -> tuple[str, str | None]:
    """(stdout, how it ended) of a program under CPython."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    out = io.StringIO()
    end = None
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(source, filename, "exec", dont_inherit=True), {"__name__": "__main__", "__file__": filename})
        except BaseException as exc:
            end = f"{type(exc).__name__}: {exc}"
        gc.collect()
    return out.getvalue(), end


def check(source: str, filename: str = "<guest>") -> None:
    """A program does the same under CPython, the toy kernel, and the toy kernel under stress."""
    filename = filename.replace(">", f" {hash(source)}>")
    expected = native(source, filename)
    assert run(source, filename=filename) == expected
    assert run(source, stress=True, filename=filename) == expected


__all__ = ["NativeGen", "Toy", "check", "native", "run"]
