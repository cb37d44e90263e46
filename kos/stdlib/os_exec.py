"""os: the exec family. What becomes of the argument list is CPython's; the search along PATH is Lib/os.py's."""

from __future__ import annotations

import os as _host
from typing import Any, NoReturn

from _kos import Exec, trap, world

from kos.stdlib import args

__all__ = ["execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe", "get_exec_path"]


def execv(path: Any, argv: Any, /) -> NoReturn:
    name = args.path(path, "execv")
    words = args.words(
        argv,
        "execv() arg 2 must be a tuple or list",
        "execv() arg 2 must not be empty",
        "execv() arg 2 first element cannot be empty",
    )
    try:
        trap(Exec(_host.fsdecode(name), words, dict(world.current().environ)))
    except OSError as e:
        raise args.nameless(e)  # noqa: B904  # the same error; execv, unlike execve, does not name the file
    raise AssertionError("a replaced program ran on")


def execve(path: Any, argv: Any, env: Any) -> NoReturn:
    name = args.path_or_fd(path, "execve")
    words = args.words(
        argv,
        "execve: argv must be a tuple or list",
        "execve: argv must not be empty",
        "execve: argv first element cannot be empty",
    )
    variables = args.environment(env, "execve: environment must be a mapping object")
    if isinstance(name, int):
        raise OSError(38, _host.strerror(38), path)
    try:
        trap(Exec(_host.fsdecode(name), words, variables))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error
    raise AssertionError("a replaced program ran on")


def execl(file: Any, *argv: Any) -> NoReturn:
    execv(file, argv)


def execle(file: Any, *argv: Any) -> NoReturn:
    execve(file, argv[:-1], argv[-1])


def execlp(file: Any, *argv: Any) -> NoReturn:
    execvp(file, argv)


def execlpe(file: Any, *argv: Any) -> NoReturn:
    execvpe(file, argv[:-1], argv[-1])


def execvp(file: Any, argv: Any) -> NoReturn:
    _search(file, argv, None)


def execvpe(file: Any, argv: Any, env: Any) -> NoReturn:
    _search(file, argv, env)


def _search(file: Any, argv: Any, env: Any) -> NoReturn:
    """Exec the first `file` along PATH that can be; of the failures the first that tells more than "not there"."""
    if _host.path.dirname(file):
        folders = [None]
    else:
        folders = get_exec_path(env)
        file = _host.fsencode(file)
    found: OSError | None = None
    last: OSError | None = None
    for folder in folders:
        path = file if folder is None else _host.path.join(_host.fsencode(folder), file)
        try:
            if env is None:
                execv(path, argv)
            else:
                execve(path, argv, env)
        except (FileNotFoundError, NotADirectoryError) as e:
            last = e
        except OSError as e:
            last = e
            if found is None:
                found = e
    error = found or last
    assert error is not None
    raise error


def get_exec_path(env: Any = None) -> list[Any]:
    if env is None:
        env = world.current().extra["os.environ"]
    try:
        listed = env.get("PATH")
    except TypeError:
        listed = None
    try:
        listed_bytes = env[b"PATH"]
    except (KeyError, TypeError):
        pass
    else:
        if listed is not None:
            raise ValueError("env cannot contain 'PATH' and b'PATH' keys")
        listed = listed_bytes
    if listed is None:
        listed = _host.defpath
    return _host.fsdecode(listed).split(_host.pathsep)
