"""The standard modules that a guest finds changed: what each is made of, and how its namespace is put together.

A module that reaches the kernel is emulated here, one file per mechanism. Its parts are of two kinds:

* *resumable* parts (`rtl`) are compiled as guest code, so that a task can be suspended, saved and forked in the middle
  of them: everything that blocks, or on whose way back a signal handler may run. They may import `_kos` (the system
  calls and the traps) and native modules, among them `kos.stdlib.args`, but never one another: a part stands alone.
* *native* parts run as they are. They compute, or touch simulated memory, and never wait.

Code and constants are shared by all guests of a CPU and hold no state. What belongs to a process (os.environ, signal
handlers, fork hooks) lives in its World; a part's `__world__(world)` returns the names that a
world's copy of the module has for itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

Namespace = dict[str, Any]
LoadPart = Callable[[str], Namespace]  #: name of a resumable part -> its globals, run once per CPU


@dataclass(frozen=True)
class Emulated:
    """What one emulated module consists of; later parts win over earlier ones.

    host: host module whose upper-case constants are taken over, "" = none; names: further names taken from it.
    native, rtl: files of kos/stdlib without their suffix; "part/which" takes the names in its `__all_which__` instead
    of those in `__all__`; submodules: attribute -> emulated module bound to it.
    """

    host: str = ""
    names: tuple[str, ...] = ()
    native: tuple[str, ...] = ()
    rtl: tuple[str, ...] = ()
    submodules: tuple[tuple[str, str], ...] = ()


_OS_NAMES = (
    "PathLike error fspath fsencode fsdecode strerror stat_result statvfs_result terminal_size times_result"
    " waitid_result sched_param"
    " uname uname_result urandom getrandom curdir pardir sep extsep altsep pathsep linesep defpath name devnull"
    " supports_bytes_environ supports_dir_fd supports_effective_ids supports_fd supports_follow_symlinks major minor"
    " makedev WIFEXITED WEXITSTATUS WIFSIGNALED WTERMSIG WIFSTOPPED WSTOPSIG WIFCONTINUED WCOREDUMP"
    " waitstatus_to_exitcode sched_get_priority_max sched_get_priority_min getloadavg ctermid confstr confstr_names"
    " pathconf_names getuid geteuid getgid getegid getgroups getresuid getresgid sysconf_names"
)
_PATH_NAMES = (
    "normcase isabs join splitdrive splitroot isjunction split splitext basename dirname commonprefix commonpath"
    " normpath samestat curdir pardir sep extsep altsep pathsep defpath devnull supports_unicode_filenames"
)
_TIME_NAMES = (
    "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns get_clock_info gmtime localtime ctime asctime"
    " mktime strftime strptime struct_time altzone daylight timezone tzname"
)
_SIGNAL_NAMES = "Signals Handlers Sigmasks ItimerError default_int_handler valid_signals strsignal struct_siginfo"

MODULES: dict[str, Emulated] = {
    "os": Emulated(
        host="os",
        names=tuple(_OS_NAMES.split()),
        rtl=tuple("os_files os_copy os_tree os_walk os_process fork_ os_exec os_spawn os_spawnv os_environ".split()),
        submodules=(("path", "posixpath"),),
    ),
    "posixpath": Emulated(host="posixpath", names=tuple(_PATH_NAMES.split()), rtl=("path_",)),
    "mmap": Emulated(host="mmap", native=("mmap_",)),
    "signal": Emulated(host="signal", names=tuple(_SIGNAL_NAMES.split()), rtl=("signal_",)),
    "time": Emulated(host="time", names=tuple(_TIME_NAMES.split()), rtl=("time_",)),
    "resource": Emulated(host="resource", names=("struct_rusage", "error"), rtl=("resource_",)),
    "select": Emulated(host="select", names=("error",), rtl=("select_",)),
    "fcntl": Emulated(host="fcntl", rtl=("fcntl_",)),
    "kos": Emulated(submodules=(("guest", "kos.guest"),)),
    "kos.guest": Emulated(native=("guest_names",), rtl=("guest_", "fork_/guest")),
}
ALIASES: dict[str, str] = {"os.path": "posixpath"}  #: importable under a second name
RTL_PARTS = frozenset(part.partition("/")[0] for module in MODULES.values() for part in module.rtl)


def namespace(name: str, load_part: LoadPart) -> Namespace:
    """The names of emulated module `name`, the same for every world."""
    module = MODULES[ALIASES.get(name, name)]
    out: Namespace = {"__name__": name}
    if name == "kos":
        out["__path__"] = []  # a package: `import kos.guest`
    if module.host:
        host = importlib.import_module(module.host)
        out["__doc__"] = host.__doc__
        out.update((key, value) for key, value in vars(host).items() if _is_constant(key, value))
        out.update((key, getattr(host, key)) for key in module.names if hasattr(host, key))
    for part in module.native:
        native = importlib.import_module(f"kos.stdlib.{part}")
        out.update((key, getattr(native, key)) for key in native.__all__)
    for entry in module.rtl:
        part, _, which = entry.partition("/")
        resumable = load_part(part)
        out.update((key, resumable[key]) for key in resumable[f"__all_{which}__" if which else "__all__"])
    for key, value in out.items():
        if key.startswith("supports_") and isinstance(value, set):
            # os.supports_dir_fd and its like: of functions, and the guest's are these.
            out[key] = {out[function.__name__] for function in value if function.__name__ in out}
    return out


def world_namespace(name: str, load_part: LoadPart, world: Any) -> Namespace:
    """The names of emulated module `name` that are the given World's own; called once for each world."""
    out: Namespace = {}
    for part in MODULES[ALIASES.get(name, name)].rtl:
        make = None if "/" in part else load_part(part).get("__world__")
        if make is not None:
            out.update(make(world))
    return out


def install(load_part: LoadPart) -> None:
    """Make templates of all emulated modules; once per CPU, before the first world is made."""
    from kos.runtime import templates

    def bind(name: str, world: Any) -> Namespace:
        out = world_namespace(name, load_part, world)
        for attribute, target in MODULES[name].submodules:
            module = world.modules.get(target)
            if module is None:
                module = world.modules[target] = templates.new_module(world, target)
            out[attribute] = module
            for alias, of in ALIASES.items():
                if of == target:
                    world.modules[alias] = module
        return out

    for name in MODULES:
        templates.add(name, partial(namespace, name, load_part), partial(bind, name))


def replaced_builtins() -> Namespace:
    """Builtins that have to know mapped memory, for the `builtins` of every world."""
    from kos.stdlib import buffers_

    return {"memoryview": buffers_.memoryview}


def _is_constant(key: str, value: object) -> bool:
    """True for NAMES_LIKE_THIS that are data: a host module's constants, never its functions or submodules."""
    return key.isupper() and not key.startswith("_") and not callable(value) and not isinstance(value, ModuleType)
