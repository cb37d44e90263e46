"""hashlib for guests: a hash object that lives in a variable does not keep its process from forking.

OpenSSL's state cannot be written down, but what it was given can: as long as that is not much, a copy is given the
same again. Who is given more than LIMIT cannot be copied any longer, as before the first byte too much.
"""

from __future__ import annotations

import hashlib
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any

from kos.runtime import templates
from kos.runtime.freeze import static
from kos.runtime.freeze.pickler import add_type

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

LIMIT = 1 << 20  #: bytes that a hash object may have been given and be copied at a fork


class HASH:
    """A hash is an object used to calculate a checksum of a string of information."""

    __slots__ = ("_given", "_how", "_inner", "_length")

    def __init__(self, how: tuple[str, tuple[Any, ...], dict[str, Any]], given: Any) -> None:
        constructor, args, kwargs = how
        self._how = how
        self._inner: Any = _NATIVE[constructor](*args, given, **kwargs)
        self._given: list[bytes] = []
        self._length = 0
        self._note(given)

    def _note(self, data: Any) -> None:
        if self._length <= LIMIT:
            kept = bytes(data)
            self._given.append(kept)
            self._length += len(kept)
            if self._length > LIMIT:
                self._given.clear()

    @property
    def name(self) -> Any:
        """algorithm name."""
        return self._inner.name

    @property
    def digest_size(self) -> Any:
        """Length of a digest in bytes."""
        return self._inner.digest_size

    @property
    def block_size(self) -> Any:
        """Length of a block in bytes."""
        return self._inner.block_size

    def update(self, obj: Any, /) -> None:
        """Update this hash object's state with the provided string."""
        self._inner.update(obj)
        self._note(obj)

    def digest(self, *args: Any, **kwargs: Any) -> Any:
        """Return the digest value as a bytes object."""
        return self._inner.digest(*args, **kwargs)

    def hexdigest(self, *args: Any, **kwargs: Any) -> Any:
        """Return the digest value as a string of hexadecimal digits."""
        return self._inner.hexdigest(*args, **kwargs)

    def copy(self) -> HASH:
        """Return a copy of the hash object."""
        other = type(self).__new__(type(self))
        other._how, other._inner = self._how, self._inner.copy()
        other._given, other._length = self._given.copy(), self._length
        return other

    def __repr__(self) -> str:
        kind = type(self._inner)
        return f"<{self.name} {kind.__module__}.{kind.__name__} object @ {id(self):#x}>"


HASH.__module__ = "_hashlib"


class Constructor:
    """hashlib.sha256 and its like: a built-in function, which is no method where it is a class's attribute."""

    __slots__ = ("_name", "_native")

    def __init__(self, name: str, native: Any) -> None:
        self._name, self._native = name, native

    def __call__(self, *args: Any, **kwargs: Any) -> HASH:
        first = args[:1] if self._name == "new" else ()
        rest = args[len(first) :]
        if len(rest) == 1:
            given = rest[0]
        elif not rest and len(first) == (self._name == "new"):
            given = kwargs.pop("data" if self._name == "new" else "string", b"")
        else:
            return self._native(*args, **kwargs)  # type: ignore[no-any-return]  # says what is wrong
        plain = {key: bytes(v) if isinstance(v, (bytearray, memoryview)) else v for key, v in kwargs.items()}
        return HASH((self._name, first, plain), given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)  # __name__, __doc__; MAX_DIGEST_SIZE of blake2b

    def __repr__(self) -> str:
        return repr(self._native)


_NATIVE: dict[str, Any] = {
    name: value
    for name, value in vars(hashlib).items()
    if name == "new"
    or (name in hashlib.algorithms_guaranteed and (isinstance(value, BuiltinFunctionType) or isinstance(value, type)))
}
_CONSTRUCTORS = {name: Constructor(name, native) for name, native in _NATIVE.items()}


def reduce_hash(freezer: Freezer, one: HASH) -> Reduced:
    """What it was given so far, to be given once more."""
    if one._length > LIMIT:
        raise freezer.refuse(one, "cannot copy a hash object of hashlib that was given more than a MiB at fork")
    return (HASH, (one._how, b"".join(one._given)))


def _namespace() -> dict[str, Any]:
    made = {**vars(hashlib), **_CONSTRUCTORS}
    del made["__builtins__"]
    return made


templates.add("hashlib", _namespace)
add_type(HASH, reduce_hash)
static.register((HASH, *_CONSTRUCTORS.values()))
