"""Arguments of posix_spawn, checked as Modules/posixmodule.c does. Native: it only computes."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from typing import Any

from kos.stdlib import args

OPEN, CLOSE, DUP2 = os.POSIX_SPAWN_OPEN, os.POSIX_SPAWN_CLOSE, os.POSIX_SPAWN_DUP2


@dataclass(frozen=True)
class Spawn:
    """What the child is to do, in this order: signals, session, group, files, mask, exec.

    actions: (OPEN, fd, path, flags, mode), (CLOSE, fd) or (DUP2, fd, new). setpgroup, setsigmask: None =
    the parent's. paths: what to try to exec, in this order.
    """

    paths: list[str]
    argv: list[str]
    env: dict[str, str]
    actions: list[tuple[Any, ...]]
    setpgroup: int | None
    setsid: bool
    setsigmask: frozenset[int] | None
    setsigdef: frozenset[int]


_OPTIONS = ("file_actions", "setpgroup", "resetids", "setsid", "setsigmask", "setsigdef", "scheduler")


def parse(name: str, path: str, argv: Any, env: Any, paths: list[str], own: dict[str, str], **options: Any) -> Spawn:
    """All of a call's arguments; own: the caller's environment, for env=None."""
    for option in options:
        if option not in _OPTIONS:
            raise args.unknown_keyword(option, f"{name}()")
    setpgroup = args.c_int(options["setpgroup"]) if "setpgroup" in options else None
    _switch(options.get("resetids", False))
    setsid = _switch(options.get("setsid", False))
    setsigmask = args.signals(options["setsigmask"]) if "setsigmask" in options else None
    setsigdef = args.signals(options.get("setsigdef", ()))
    words = args.words(
        argv,
        f"{name}: argv must be a tuple or list",
        f"{name}: argv must not be empty",
        f"{name}: argv first element cannot be empty",
    )
    if env is None and sys.version_info >= (3, 13):
        variables = dict(own)
    else:
        variables = args.environment(env, f"{name}: environment must be a mapping object")
    actions = _file_actions(options.get("file_actions", ()))
    return Spawn(paths, words, variables, actions, setpgroup, setsid, setsigmask, setsigdef)


def _switch(value: Any) -> bool:
    """An option that is on or off: a C int until 3.12 took anything's truth."""
    return bool(value if sys.version_info >= (3, 12) else args.c_int(value))


def _file_actions(actions: Any) -> list[tuple[Any, ...]]:
    if actions is None:
        return []
    if not hasattr(type(actions), "__iter__") and not hasattr(type(actions), "__getitem__"):
        raise TypeError("file_actions must be a sequence or None")
    return [_file_action(action) for action in actions]


def _file_action(action: Any) -> tuple[Any, ...]:
    if not isinstance(action, tuple) or not action:
        raise TypeError("Each file_actions element must be a non-empty tuple")
    tag = args.c_long(action[0])
    if tag == OPEN:
        if len(action) != 5:
            raise TypeError("A open file_action tuple must have 5 elements")
        _, fd, path, flags, mode = action
        name = os.fsdecode(args.fs_bytes(path))
        return tag, _descriptor(fd), name, args.c_int(flags), args.c_long(mode)
    if tag == CLOSE:
        if len(action) != 2:
            raise TypeError("A close file_action tuple must have 2 elements")
        return tag, _descriptor(action[1])
    if tag == DUP2:
        if len(action) != 3:
            raise TypeError("A dup2 file_action tuple must have 3 elements")
        return tag, _descriptor(action[1]), _descriptor(action[2])
    raise TypeError("Unknown file_actions identifier")


def _descriptor(value: Any) -> int:
    """What the C library takes for one when it is told of an action (__spawn_valid_fd), open or not."""
    fd = args.c_int(value)
    if fd < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return fd
