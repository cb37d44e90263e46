"""The pickler of a task's objects.

C code walks what it knows: numbers, text, tuples, lists, dicts, sets. All else comes to
`reducer_override`, which looks at the type once per object. What an object holds is not
written where the object is met but queued and written in rounds (`later`), so the depth
of the recursion does not grow with the length of a chain.
"""

from __future__ import annotations

import enum
import io
import pickle
from collections.abc import Callable
from types import FrameType, FunctionType, GeneratorType, ModuleType, TracebackType
from typing import Any

from kos.runtime.freeze import (
    classes,
    errors,
    functions,
    gens,
    instances,
    iterators,
    mixins,
    natives,
    reference,
    static,
    subtypes,
    tools,
    typevars,
)
from kos.runtime.world import World

Reduced = Any  # a reduce tuple, or NotImplemented: typeshed has no better name for it


class CannotCopy(TypeError):
    """An object that cannot be copied, before its variable is known."""

    def __init__(self, culprit: object, why: str) -> None:
        super().__init__(why)
        self.culprit = culprit


def reduce_generator(freezer: Freezer, one: Any) -> Reduced:
    if one.gi_frame is None:
        return (gens.ended, ())
    again = None if one.gi_running else mixins.state_of(one)
    if again is not None:
        return again
    raise CannotCopy(one, f"cannot copy {one.__qualname__}(), a generator of native code, at fork")


def reduce_sentinel(freezer: Freezer, one: object) -> Reduced:
    """A bare object(): one that a shared unit defines is the same everywhere, another is the task's own."""
    shared = reference.shared_name(one)
    return (object, ()) if shared is None else (reference.find_shared, shared)


def reduce_member(freezer: Freezer, one: enum.Enum) -> Reduced:
    """A member of one of the host's enums is the member there, not a copy of it."""
    return (type(one), (one._value_,))


_BY_TYPE: dict[type, Callable[[Any, Any], Reduced]] = {
    **natives.TABLE,
    **tools.TABLE,
    **subtypes.TABLE,
    **iterators.TABLE,
    **typevars.TABLE,
    **gens.TABLE,
    **dict.fromkeys(classes.DESCRIPTORS, classes.reduce_descriptor),
    FunctionType: functions.reduce_function,
    type: classes.reduce_class,
    object: reduce_sentinel,
    TracebackType: errors.reduce_traceback,
    FrameType: errors.reduce_frame,
    GeneratorType: reduce_generator,
}
_PLAIN = natives.PLAIN | iterators.PLAIN
#: How instances of classes that no guest can change are taken apart.
_PERMANENT: dict[type, Any] = {}

#: What a message calls an object whose type's name would say little.
_NAMES = {
    "SRE_Scanner": "half-used re.finditer",
    "HASH": "hash object of hashlib",
    "Compress": "compressor of zlib",
    "Decompress": "decompressor of zlib",
}


def add_type(kind: type, reduce: Callable[[Any, Any], Reduced]) -> None:
    """Say how instances of a host class are taken apart."""
    _BY_TYPE[kind] = reduce


class Freezer(pickle.Pickler):
    """One snapshot being written."""

    def __init__(self, out: io.BytesIO, anchors: list[Any], world: World) -> None:
        super().__init__(out, 5)
        self.world = world
        memo = static.memo()
        first = len(memo)
        memo.update({id(one): (first + n, one) for n, one in enumerate(anchors)})
        self.memo = memo  # a dict is accepted; what is read back is a proxy
        self._anchors = {id(one) for one in anchors}
        self._kinds: dict[type, Any] = {}
        self._queued: set[int] = set()
        self.queue: list[tuple[Callable[[Any, Any], None], Any, Any]] = []

    def is_anchor(self, one: object) -> bool:
        """Whether the memo held the object before anything was written."""
        return id(one) in self._anchors

    def refuse(self, culprit: object, why: str) -> CannotCopy:
        """The exception that says that the culprit cannot be copied."""
        return CannotCopy(culprit, why)

    def later(self, put: Callable[[Any, Any], None], one: Any, state: Any) -> None:
        """When all is loaded that is being written now, put(one, state) shall be called."""
        if id(one) not in self._queued:
            self._queued.add(id(one))
            self.queue.append((put, one, state))

    def write_queue(self) -> None:
        """Write what was queued, and what that queues, until nothing is left."""
        while self.queue:
            batch, self.queue = self.queue, []
            self.dump(batch)

    def reducer_override(self, one: Any) -> Reduced:
        """How to rebuild `one`: called for all that pickle's C code has no opcode for."""
        cls = type(one)
        reduce = _BY_TYPE.get(cls)
        if reduce is not None:
            return reduce(self, one)
        if cls in _PLAIN:
            return NotImplemented
        kind = self._kinds.get(cls) or _PERMANENT.get(cls)
        if kind is None:
            kind = self._kinds[cls] = self._classify(cls)
            if static.is_static(cls):
                _PERMANENT[cls] = kind
        if type(kind) is instances.Kind:
            if kind.solid is object:
                return instances.reduce_plain(self, one, kind)
            reduced = instances.reduce_based(self, one, kind)
            return subtypes.reduce_subtype(self, one, kind) if reduced is NotImplemented else reduced
        return kind(self, one)

    def _classify(self, cls: type) -> Any:
        if issubclass(cls, type):
            return classes.reduce_class
        if issubclass(cls, BaseException):
            return errors.reduce_exception
        if issubclass(cls, ModuleType):
            return natives.reduce_module
        if issubclass(cls, enum.Enum) and reference.is_native(cls):
            return reduce_member
        if instances.is_python_class(cls):
            return instances.kind_of(cls)
        return Freezer._ask

    def _ask(self, one: Any) -> Reduced:
        """A native type that is not known here: its own way, if it has one."""
        try:
            return one.__reduce_ex__(4)
        except CannotCopy:
            raise
        except Exception as error:
            name = _NAMES.get(type(one).__name__) or f"{type(one).__name__!r} object"
            raise CannotCopy(one, f"cannot copy a {name} at fork") from error


class Thawer(pickle.Unpickler):
    """One snapshot being read."""

    anchors: list[Any]

    def persistent_load(self, pid: Any) -> Any:
        return self.anchors[pid]
