"""os: the spawn family, which is fork and exec in one call; Lib/os.py's, with the functions of the guest's own os."""

from __future__ import annotations

from typing import Any

from _kos import world

__all__ = ["spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe"]

_P_NOWAIT, _CANNOT = 1, 127


def _spawn(mode: int, file: Any, args: Any, env: Any, exec_name: str) -> int:
    """The child's pid, or (P_WAIT) its exit code."""
    if not isinstance(args, tuple | list):
        raise TypeError("argv must be a tuple or a list")
    if not args or not args[0]:
        raise ValueError("argv first element cannot be empty")
    own: Any = world.current().modules["os"]
    pid: int = own.fork()
    if not pid:
        try:
            if env is None:
                getattr(own, exec_name)(file, args)
            else:
                getattr(own, exec_name)(file, args, env)
        except BaseException:
            own._exit(_CANNOT)
    if mode == _P_NOWAIT:
        return pid
    while True:
        _, status = own.waitpid(pid, 0)
        if not own.WIFSTOPPED(status):
            code: int = own.waitstatus_to_exitcode(status)
            return code


def spawnv(mode: int, file: Any, args: Any) -> int:
    return _spawn(mode, file, args, None, "execv")


def spawnve(mode: int, file: Any, args: Any, env: Any) -> int:
    return _spawn(mode, file, args, env, "execve")


def spawnvp(mode: int, file: Any, args: Any) -> int:
    return _spawn(mode, file, args, None, "execvp")


def spawnvpe(mode: int, file: Any, args: Any, env: Any) -> int:
    return _spawn(mode, file, args, env, "execvpe")


def spawnl(mode: int, file: Any, *args: Any) -> int:
    return _spawn(mode, file, args, None, "execv")


def spawnle(mode: int, file: Any, *args: Any) -> int:
    return _spawn(mode, file, args[:-1], args[-1], "execve")


def spawnlp(mode: int, file: Any, *args: Any) -> int:
    return _spawn(mode, file, args, None, "execvp")


def spawnlpe(mode: int, file: Any, *args: Any) -> int:
    return _spawn(mode, file, args[:-1], args[-1], "execvpe")
