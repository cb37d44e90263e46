"""State that all CPUs share, declared like a dataclass, placed in the arena when a machine boots.

    @shared(lock="zone")
    class Bitmap(SharedState):
        nr_free: u64                                                    #: frames whose bit is 0
        bits: Array = array("Q", lambda params: -(-params.nr_frames // 64))

    state = Bitmap()                    # in a plugin, which returns it from the hook kos_shared_state

Annotated integers (u8 to u64, i32, i64) become words of the arena that read and write like attributes; an array is a
`memoryview` of B, H, I or Q items, or the same as numpy with `state.np("bits")`. Everything is 0 at boot. There is no
memory behind it before the machine boots: until then every access says so.

`lock` names what guards it, and says so in `state.lock`:
  "plugin"   a lock of its own, of the rank "plugin" (kos/sync/order.py): `with state.lock: ...`. The default.
  a rank     a kernel lock that is held whenever the policy is called ("zone" in an allocator, "mm" in a fork policy):
             nothing to take. `state.lock` is None where the rank is a pool of locks.
  "single"   no lock: each word has one writer, in an array with an item for each CPU, say.
"""

from __future__ import annotations

import ctypes
import inspect
import typing
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kos.arena.layout import Struct
from kos.arena.table import REGISTRY, Segment
from kos.params import Params

if TYPE_CHECKING:
    import numpy as np

Array = memoryview  #: annotation of an array
_LINE = 64  #: arrays start on a cache line of their own
_BYTES = {"B": 1, "H": 2, "I": 4, "Q": 8}


class Lock(Protocol):
    """What `state.lock` can do (kos.sync.spinlock.SpinLock)."""

    def acquire(self) -> None: ...
    def release(self) -> None: ...
    def is_mine(self) -> bool: ...
    def __enter__(self) -> None: ...
    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None: ...


class ArraySpec:
    """An array that a class declares; its memory comes at boot."""

    def __init__(self, format: str, count: int | Callable[[Params], int]) -> None:
        if format not in _BYTES:
            raise TypeError(f"array({format!r}): the formats are B H I Q, unsigned items of 1, 2, 4, 8 bytes")
        self.format = format
        self.count = count

    def length(self, params: Params) -> int:
        """Items, for a machine of these parameters."""
        n = self.count(params) if callable(self.count) else self.count
        if n < 0:
            raise ValueError(f"an array of {n} items")
        return n

    def nbytes(self, params: Params) -> int:
        """Bytes, in whole cache lines."""
        return -(-self.length(params) * _BYTES[self.format] // _LINE) * _LINE


def array(format: str, count: int | Callable[[Params], int]) -> Any:
    """An array of `count` items; where it depends on the machine, a function of its Params."""
    return ArraySpec(format, count)


class _Field:
    """One number of the state: an attribute whose value lies in the arena."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, state: SharedState | None, owner: type) -> Any:
        return self if state is None else getattr(state._words, self.name)

    def __set__(self, state: SharedState, value: int) -> None:
        setattr(state._words, self.name, value)


class SharedState:
    """Base of declared state. Make one instance, return it from kos_shared_state."""

    _layout: type[Struct]
    _arrays: dict[str, ArraySpec]
    _guard = "plugin"
    lock: Any  #: Lock, or None: see the module's text. Set when the machine is declared

    def __init__(self) -> None:
        if "_layout" not in type(self).__dict__:
            raise TypeError(f"{type(self).__name__}: put @shared() in front of the class")
        self._where = ""  # the plugin, once declared
        self._views: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name in ("_words", "lock") or name in type(self)._arrays:
            raise RuntimeError(
                f"{type(self).__name__}: no memory yet. Return this object from kos_shared_state, and use it in the "
                "policy's methods only: hooks run before the machine exists"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def np(self, name: str) -> np.ndarray[Any, Any]:
        """An array as numpy, live."""
        import numpy

        spec = self._arrays[name]
        return numpy.frombuffer(getattr(self, name), dtype={"B": "u1", "H": "<u2", "I": "<u4", "Q": "<u8"}[spec.format])

    def boot(self, params: Params) -> None:
        """Override to set what must not start as 0. Called once, before the CPUs exist."""

    @classmethod
    def guard(cls) -> str:
        """The lock's name, as declared."""
        return cls._guard


S = TypeVar("S", bound=SharedState)


def shared(lock: str = "plugin") -> Callable[[type[S]], type[S]]:
    """Class decorator: lay the annotated fields out."""

    def decorate(cls: type[S]) -> type[S]:
        hints = typing.get_type_hints(cls, include_extras=True)
        fields: list[tuple[str, Any]] = []
        arrays: dict[str, ArraySpec] = {}
        for name in inspect.get_annotations(cls):
            spec = cls.__dict__.get(name)
            meta = getattr(hints[name], "__metadata__", None)
            if isinstance(spec, ArraySpec):
                arrays[name] = spec
                delattr(cls, name)
            elif meta:
                fields.append((name, meta[0]))
                setattr(cls, name, _Field(name))
            else:
                raise TypeError(
                    f"{cls.__name__}.{name}: found {hints[name]!r}, expected u8..u64, i32, i64, "
                    "or Array = array(format, count)"
                )
        cls._layout = type(f"{cls.__name__}Words", (Struct,), {"_fields_": fields})
        cls._arrays = arrays
        cls._guard = lock
        return cls

    return decorate


class StateSegment(Segment):
    """The arena's view of one declared state."""

    def __init__(self, state: SharedState, name: str) -> None:
        REGISTRY.pop(name, None)  # a machine booted earlier in this process had one of that name
        super().__init__(name)
        self.state = state

    def nbytes(self, params: Params) -> int:
        head = -(-ctypes.sizeof(self.state._layout) // _LINE) * _LINE
        return max(_LINE, head + sum(a.nbytes(params) for a in self.state._arrays.values()))

    def bind(self, view: memoryview, params: Params) -> None:
        state = self.state
        state.__dict__["_words"] = state._layout.from_buffer(view, 0)
        at = -(-ctypes.sizeof(state._layout) // _LINE) * _LINE
        for name, spec in state._arrays.items():
            used = spec.length(params) * _BYTES[spec.format]
            state.__dict__[name] = view[at : at + used].cast(spec.format)  # type: ignore[call-overload]  # a variable
            at += spec.nbytes(params)


def declare(state: SharedState, owner: str) -> StateSegment:
    """Reserve memory for a state in the next machine; owner: the plugin's name."""
    segment = StateSegment(state, f"{owner}.{type(state).__name__}")
    state._where = owner
    return segment


def withdraw(segment: StateSegment) -> None:
    """The next machine does not have it."""
    if REGISTRY.get(segment.name) is segment:
        del REGISTRY[segment.name]
