"""os.posix_spawn, posix_spawnp: a vfork-like clone whose child prepares itself and execs.

As glibc does it (sysdeps/unix/sysv/linux/spawni.c): the child shares the parent's memory until it execs, so it can
leave the number of what failed in a word there; the parent waits for its exec or end, with all signals blocked so that
none of its handlers runs in the child. A child that failed is waited for here and never seen by the program.
"""

from __future__ import annotations

import os as _host
from typing import Any, NoReturn

from _kos import Exec, Exit, Fork, trap, world
from _kos import syscalls as k

from kos.guest_abi import (
    CLONE_VFORK,
    CLONE_VM,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
)
from kos.runtime.memory import load32, store32
from kos.stdlib import args
from kos.stdlib.spawn_args import CLOSE, DUP2, OPEN, Spawn, parse

__all__ = ["posix_spawn", "posix_spawnp"]

_F_GETFD, _F_SETFD, _FD_CLOEXEC = 1, 2, 1
_SIG_SETMASK, _NR_SIGNALS = 2, 64
_EVERY_SIGNAL = frozenset(range(1, _NR_SIGNALS + 1)) - {32, 33}
_EACCES, _EBADF, _ENOENT, _ENOTDIR = 13, 9, 2, 20
_FAILED = 127 << 8


def posix_spawn(path: Any, argv: Any, env: Any, /, **options: Any) -> int:
    name = _host.fsdecode(args.path(path, "posix_spawn"))
    own = world.current().environ
    return _spawn(path, parse("posix_spawn", name, argv, env, [name], own, **options))


def posix_spawnp(path: Any, argv: Any, env: Any, /, **options: Any) -> int:
    name = _host.fsdecode(args.path(path, "posix_spawnp"))
    own = world.current().environ
    if "/" in name:
        paths = [name]
    else:
        paths = [f"{folder or '.'}/{name}" for folder in own.get("PATH", _host.defpath).split(":")]
    return _spawn(path, parse("posix_spawnp", name, argv, env, paths, own, **options))


def _spawn(path: Any, spawn: Spawn) -> int:
    word = k.mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    mask = k.sigprocmask(_SIG_SETMASK, _EVERY_SIGNAL)
    try:
        pid = trap(Fork(CLONE_VM | CLONE_VFORK, _child, (spawn, word, mask)))
        failure = load32(word)
        if failure:
            k.wait4(pid, 0)
    finally:
        k.munmap(word, PAGE_SIZE)
        k.sigprocmask(_SIG_SETMASK, mask)
    if failure:
        raise OSError(failure, _host.strerror(failure), path)
    return int(pid)


def _child(spawn: Spawn, word: int, mask: frozenset[int]) -> NoReturn:
    """Runs in the child, on memory that is the parent's: of that it writes nothing but `word`."""
    try:
        # A handler of the parent's must not run here once the mask is lifted; exec would reset it anyway.
        for number in _EVERY_SIGNAL:
            if number not in (9, 19) and (number in spawn.setsigdef or k.sigaction(number, None) == 2):
                k.sigaction(number, 0)
        if spawn.setsid:
            k.setsid()
        if spawn.setpgroup is not None:
            k.setpgid(0, spawn.setpgroup)
        for action in spawn.actions:
            _file_action(action)
        k.sigprocmask(_SIG_SETMASK, mask if spawn.setsigmask is None else spawn.setsigmask)
        store32(word, _exec(spawn))
    except OSError as e:
        store32(word, e.errno or _ENOENT)
    trap(Exit(_FAILED, True))
    raise AssertionError("an exited task ran on")


def _exec(spawn: Spawn) -> int:
    """Exec the first that can be; else the errno: EACCES if something was there (execvpe in glibc)."""
    failure = _ENOENT
    for path in spawn.paths:
        try:
            trap(Exec(path, spawn.argv, spawn.env))
        except OSError as e:
            if len(spawn.paths) > 1 and e.errno in (_ENOENT, _ENOTDIR, _EACCES):
                failure = _EACCES if e.errno == _EACCES else failure
                continue
            return e.errno or _ENOENT
    return failure


def _file_action(action: tuple[Any, ...]) -> None:
    kind, fd = action[0], action[1]
    if kind == CLOSE:
        _close(fd)
    elif kind == DUP2:
        if fd == action[2]:
            # Asked for by POSIX, which a plain dup2 would not do: the descriptor survives the exec.
            k.fcntl(fd, _F_SETFD, k.fcntl(fd, _F_GETFD, 0) & ~_FD_CLOEXEC)
        else:
            k.dup2(fd, action[2], False)
    elif kind == OPEN:
        _close(fd)
        opened = k.open(action[2], action[3], action[4])
        if opened != fd:
            k.dup2(opened, fd, False)
            k.close(opened)


def _close(fd: int) -> None:
    try:
        k.close(fd)
    except OSError as e:
        if e.errno != _EBADF or fd < 0:
            raise
