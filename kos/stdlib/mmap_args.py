"""The arguments of mmap.mmap(), and the length that it takes. Modules/mmapmodule.c, 3.11 to 3.13."""

from __future__ import annotations

import mmap as _host
import stat
import sys
from typing import Any

from kos.stdlib import args, arity, kernel

#: parameters of mmap(), with what is taken where they are not given
_PARAMETERS: dict[str, Any] = {
    "fileno": None, "length": None, "flags": _host.MAP_SHARED, "prot": _host.PROT_READ | _host.PROT_WRITE,
    "access": 0, "offset": 0, "trackfd": True,
}  # fmt: skip
_NR_PARAMETERS = 7 if sys.version_info >= (3, 13) else 6


def parsed(given: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    """The arguments of mmap() in order, refused as PyArg_ParseTupleAndKeywords does."""
    names = list(_PARAMETERS)[:_NR_PARAMETERS]
    if len(given) + len(named) > _NR_PARAMETERS:
        raise arity.refusal("function", 2, _NR_PARAMETERS, len(given) + len(named))
    values = {**_PARAMETERS, **dict(zip(names, given, strict=False))}
    for place, name in enumerate(names):
        if name in named:
            if place < len(given):
                raise TypeError(f"argument for function given by name ({name!r}) and position ({place + 1})")
            values[name] = named[name]
        elif place >= len(given) and place < 2:
            raise TypeError(f"function missing required argument {name!r} (pos {place + 1})")
    for name in named:
        if name not in names:
            raise args.unknown_keyword(name, "this function")
    return list(values.values())


def checked_size(fd: int, size: int, offset: int) -> int:
    """The length of a mapping of a file: 0 asks for all of a regular file, and no more than that may be asked for."""
    try:
        fields = kernel.calls.fstat(fd)
    except OSError:
        return size  # mmap itself will say it
    if not stat.S_ISREG(fields[0]):
        return size
    file_size = int(fields[6])
    if size == 0:
        if file_size == 0:
            raise ValueError("cannot mmap an empty file")
        if offset >= file_size:
            raise ValueError("mmap offset is greater than file size")
        return file_size - offset
    if offset > file_size or file_size - offset < size:
        raise ValueError("mmap length is greater than file size")
    return size
