"""What exec may run: an installed guest by its bare name, a file by its path, or Python itself with either."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Sequence

from kos.errors import GuestFault
from kos.fs.boot import program_folders
from kos.fs.inode import is_dir
from kos.fs.namei import MAY_EXEC, Path, may, names
from kos.fs.open import read_whole
from kos.fs.structs import I_HOST
from kos.traps import INLINE

SUFFIX = ".py"
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_WITH_VALUE = ("-W", "-X")  #: options of Python's whose value may be the next argument


def resolve(path: Path, argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """What execve(path, argv) runs: the program's file, and the arguments as it will see them.

    Python itself is not a file that guests can see, but it may be run, by any of its names: with a program as its first
    argument, which needs no execute permission and no first line then, or with `-c` and the program's text, which is
    given back behind INLINE. Its other options are passed over. Raises ENOEXEC where there is no program; one that is
    not there is Python's to complain about.
    """
    if not _is_python(os.fsdecode(path)):
        return find_program(path), argv
    at = 1
    while at < len(argv) and argv[at].startswith("-"):
        if argv[at] == "-c" and at + 1 < len(argv):
            return INLINE + argv[at + 1], ["-c", *argv[at + 2 :]]
        if argv[at][:2] in ("-c", "-m") or argv[at] == "-":
            raise GuestFault(errno.ENOEXEC)
        at += 2 if argv[at] in _WITH_VALUE else 1
    if at >= len(argv):
        raise GuestFault(errno.ENOEXEC)
    try:
        return find_program(argv[at], by_python=True), argv[at:]
    except GuestFault:
        return argv[at], argv[at:]


def _is_python(path: str) -> bool:
    """The interpreter by the path that guests know, or by one that leads to a Python of the host's (PATH is its)."""
    if path == sys.executable:
        return True
    return os.path.isabs(path) and bool(_PYTHON.fullmatch(os.path.basename(path))) and os.access(path, os.X_OK)


def find_program(name: Path, by_python: bool = False) -> str:
    """Path of the program that execve(name) would run, as it is given. Raises ENOENT, EACCES, ENOEXEC and the like.

    by_python: the file need not be a program for execve.

    A bare name that is no file is looked for among the installed guests, with and without ".py". A guest in one
    of the host's folders needs no execute permission if it is a .py file (installers do not set it); a file that
    a guest has made needs it, and "#!" at its start, as under Linux.
    """
    text = os.fsdecode(name)
    try:
        return _check(text, by_python)
    except GuestFault as e:
        if e.errno != errno.ENOENT or "/" in text or not text:
            raise
    for folder in program_folders:
        for suffix in (SUFFIX, ""):
            try:
                return _check(os.path.join(folder, text + suffix), by_python)
            except GuestFault as e:
                if e.errno != errno.ENOENT:
                    raise
    raise GuestFault(errno.ENOENT)


def _check(path: str, by_python: bool) -> str:
    with names() as ns:
        inode = ns.resolve(path)
        try:
            if is_dir(inode) or not stat.S_ISREG(inode.mode):
                raise GuestFault(errno.EACCES)
            is_program = by_python or (inode.kind == I_HOST and path.endswith(SUFFIX))
            if not is_program and not may(inode, MAY_EXEC):
                raise GuestFault(errno.EACCES)
        finally:
            ns.put(inode)
    if not is_program:
        _check_first_line(read_whole(path).split(b"\n", 1)[0])
    return path


def _check_first_line(line: bytes) -> None:
    """A script names its interpreter, and Python is the only one there is."""
    if not line.startswith(b"#!"):
        raise GuestFault(errno.ENOEXEC)
    words = line[2:].split()
    if not words or b"python" not in line or not os.path.exists(words[0]):
        raise GuestFault(errno.ENOENT if words else errno.ENOEXEC)
