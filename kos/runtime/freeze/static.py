"""Objects that every CPU has: a snapshot names them by number.

Pickle's own way, a module and a name looked up at both ends, costs about a microsecond
each and does not exist for system calls and for the compiler's helpers. So both picklers
start with a memo that holds these objects already. The CPUs are forked from one parent,
which registered them in one order before; `seal()` ends the registration.
"""

from __future__ import annotations

import builtins
import collections
import copyreg
import io
import itertools
import pickle
import types
from collections.abc import Iterable
from typing import Any

#: copyreg.__newobj__, which typeshed does not know: pickle has an opcode for calls of it.
NEW_OBJECT: Any = vars(copyreg)["__newobj__"]

_objects: list[Any] = []
_seen: set[int] = set()
_memo: dict[int, tuple[int, Any]] = {}
_loader: pickle.Unpickler | None = None


def register(objects: Iterable[Any]) -> None:
    """Give each object that has none yet the next number. Only before the CPUs start."""
    if _loader is not None:
        raise RuntimeError("snapshot: the table of static objects is sealed")
    for one in objects:
        if id(one) not in _seen:
            _seen.add(id(one))
            _memo[id(one)] = (len(_objects), one)
            _objects.append(one)


class _Numbers(pickle.Unpickler):
    """Fills its memo with the static objects, in order."""

    def persistent_load(self, pid: Any) -> Any:
        return _objects[pid]


def seal() -> pickle.Unpickler:
    """The unpickler whose memo holds the table; from now on the table does not change."""
    global _loader
    if _loader is None:
        numbers = b"".join(b"J" + n.to_bytes(4, "little") + b"Q\x94" for n in range(len(_objects)))
        _loader = _Numbers(io.BytesIO(b"\x80\x05" + numbers + b"N."))
        _loader.load()
    return _loader


def memo() -> dict[int, tuple[int, Any]]:
    """A fresh memo for a pickler: id of each static object -> its number and itself."""
    seal()
    return _memo.copy()


def size() -> int:
    """How many static objects there are; a snapshot carries it as a check."""
    return len(_objects)


def is_static(one: object) -> bool:
    """Whether a snapshot names this very object by number."""
    return id(one) in _memo


def _always() -> Iterable[Any]:
    # The atoms are written by pickle itself and must not be looked up by id.
    atoms = (bool, int, float, str, bytes, type(None))
    for value in vars(builtins).values():
        if not isinstance(value, atoms):
            yield value
    yield from (
        types.FunctionType,
        types.MethodType,
        types.ModuleType,
        types.CellType,
        types.SimpleNamespace,
        types.MappingProxyType,
        types.BuiltinFunctionType,
        type(None),
        type(Ellipsis),
        type(NotImplemented),
    )
    yield from (
        object.__new__,
        int.__new__,
        float.__new__,
        str.__new__,
        bytes.__new__,
        tuple.__new__,
        frozenset.__new__,
        NEW_OBJECT,
    )
    yield from (collections.OrderedDict, collections.defaultdict, collections.deque, collections.Counter)
    yield from (value for name, value in vars(itertools).items() if isinstance(value, type))


register(_always())
