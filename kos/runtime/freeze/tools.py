"""What small tools of the library leave in variables: C objects that can be made again from what they show."""

from __future__ import annotations

import functools
import gc
import json.scanner
import struct
import types
from typing import TYPE_CHECKING, Any

from kos.runtime.freeze import static

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced


def reduce_struct(freezer: Freezer, one: struct.Struct) -> Reduced:
    """A struct.Struct is its format."""
    return (struct.Struct, (one.format,))


def reduce_key(freezer: Freezer, one: Any) -> Reduced:
    """What functools.cmp_to_key() gives, and what that gives for one object."""
    return (key_of, tuple([held for held in gc.get_referents(one) if held is not type(one)]))


def key_of(compare: Any, *of: Any) -> Any:
    make = functools.cmp_to_key(compare)
    return make(*of) if of else make


_SCANNER: Any = json.scanner.make_scanner
_SCANS = ("strict", "object_hook", "object_pairs_hook", "parse_float", "parse_int", "parse_constant")


def reduce_scanner(freezer: Freezer, one: Any) -> Reduced:
    """The part of a json.JSONDecoder that is C code: it is made from the decoder's fields."""
    return (scanner_of, tuple([getattr(one, name) for name in _SCANS]))


def scanner_of(*values: Any) -> Any:
    return _SCANNER(types.SimpleNamespace(**dict(zip(_SCANS, values, strict=True))))


TABLE: dict[type, Any] = {
    struct.Struct: reduce_struct,
    type(functools.cmp_to_key(lambda one, other: 0)): reduce_key,
    _SCANNER: reduce_scanner,
}
static.register((key_of, scanner_of))
