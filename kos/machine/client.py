"""`from kos import Machine`: a machine for programs, tests and notebooks.

The machine's supervisor is a process of its own, forked when the machine is made. So several machines can run in one
program, a machine that fails takes nothing with it, and policies defined in the program itself can be plugins.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import textwrap
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import FunctionType, TracebackType
from typing import Any, NoReturn

from kos.errors import HostError, UsageError
from kos.machine import given
from kos.machine.config import MachineConfig
from kos.machine.programs import guests_folder, modules
from kos.machine.result import Result
from kos.platform.host.service import Service, let_threads_wait
from kos.trace.histogram import Histogram

Guest = str | os.PathLike[str] | Callable[..., Any]
_open: weakref.WeakSet[Machine] = weakref.WeakSet()  #: machines that are not closed


class Machine:
    """A simulated computer. Use with `with`; close() is safe at any time, more than once.

        with Machine(cpus=4, memory="64M", plugins=["fork_eager"]) as m:
            result = m.run("cow_fork", args=["3"])

    cpus, name, stress_context, debug_locks, fail_alloc, timeout: as for `kos run`. memory: "64M" or bytes.
    plugins: words as after -p (names, files, modules), or objects with hooks. settings: as after --set.
    tlb: (entries, ways). events: which events results have: names or patterns as "mm.*"; () = none, and none is
    then logged, which is faster. log: a file that gets all of them too.
    """

    def __init__(
        self,
        cpus: int = 2,
        memory: int | str = "64M",
        plugins: Sequence[object] = (),
        settings: Mapping[str, object] | None = None,
        *,
        tlb: tuple[int, int] = (1024, 4),
        events: str | Sequence[str] = "*",
        log: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        self._service: Service | None = None
        self._pid = os.getpid()  # of the program whose machine this is: a fork of it has no part in it
        self._folder = ""
        patterns = [events] if isinstance(events, str) else _list("events", events, "a list of names or patterns")
        if not all(isinstance(pattern, str) for pattern in patterns):
            raise UsageError(f"events={events!r}: expected a list of names or patterns")
        if isinstance(plugins, str):
            raise UsageError(f"plugins={plugins!r}: found a str, expected a list: [{plugins!r}]")
        if settings is not None and not isinstance(settings, Mapping):
            raise UsageError(f"settings={settings!r}: found a {type(settings).__name__}, expected a dict")
        if log is not None and not isinstance(log, str | os.PathLike):
            raise UsageError(f"log={log!r}: found a {type(log).__name__}, expected a path")
        log_events = _select(patterns) if patterns else []
        try:
            self._folder = tempfile.mkdtemp(prefix="kos-api-")
            path = os.path.join(self._folder, "events") if patterns else None
            if log is not None:
                path = os.path.abspath(os.fspath(log))
            self.config = MachineConfig(
                cpus=cpus,
                memory=size(memory),
                plugins=tuple(_list("plugins", plugins, "a list of names or objects")),
                settings={str(name): str(value) for name, value in (settings or {}).items()},
                tlb=tlb,
                log=path,
                log_events=log_events,
                scratch=self._folder,
                owner=self._pid,
                **options,
            )
            from kos.machine.server import serve

            self._service = Service("kos-machine", partial(serve, self.config))
            _open.add(self)
            self.name: str = self._ask(("boot",))  #: for `kos inspect`
        except BaseException:
            self.close()
            raise

    def run(
        self,
        guest: Guest,
        args: Sequence[object] = (),
        stdin: str | bytes | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a guest to its end and audit the machine.

        guest: the name of a guest that ships with kos, the path of a Python file, source text (anything with a
        newline), or a function. A function runs alone: it imports what it needs inside, gets `args` as they are
        (numbers, texts, bytes; lists, tuples, sets, dicts of them), and its result, if an int, is the exit code.
        Threads may call it at the same time: the guests then run one after the other. Ctrl-C ends the machine.
        """
        words = [] if isinstance(guest, FunctionType) else given.words_of(args)
        rest = (words, given.environment_of(environ), given.input_of(stdin), given.current_folder())
        with ExitStack() as written:
            path = self._path_of(guest, args, written)
            try:
                result: Result = self._ask(("run", path, *rest))
            except KeyboardInterrupt:
                self.close()
                raise
        return result

    def plugins(self) -> list[dict[str, Any]]:
        """What `kos plugins --json` says of this machine: each plugin with its state, roles and options."""
        rows: list[dict[str, Any]] = self._ask(("plugins",))
        return rows

    def shootdowns(self) -> Histogram:
        """The latencies of all shootdowns so far, in ns."""
        histogram: Histogram = self._ask(("shootdowns",))
        return histogram

    @property
    def host_pid(self) -> int:
        """The supervisor's process on the host, whose children the CPUs are."""
        if self._service is None:
            raise UsageError("this machine is closed")
        return self._service.pid

    def close(self) -> None:
        """Stop the CPUs and remove everything of the machine."""
        service, self._service = self._service, None
        _open.discard(self)
        if service is not None:
            service.close()
        if self._folder and self._pid == os.getpid():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_service", None) is not None and _open is not None:  # None: Python itself is ending
            self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a kos.Machine cannot be copied: it is processes and memory of the host")

    def __repr__(self) -> str:
        state = self.name if self._service is not None else "closed"
        return f"<kos.Machine {state}: {self.config.cpus} CPUs, {self.config.memory >> 20} MiB>"

    def _repr_html_(self) -> str:
        from kos.report.page import machine_html

        rows = self.plugins() if self._service is not None else []
        return machine_html(repr(self).strip("<>"), rows)

    def _ask(self, request: tuple[Any, ...]) -> Any:
        if self._service is None:
            raise UsageError("this machine is closed")
        if self._pid != os.getpid():
            raise UsageError("this machine belongs to the program that made it, of which this process is a fork")
        try:
            answer = self._service.ask(request)
        except HostError:
            self.close()
            raise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _path_of(self, guest: Guest, args: Sequence[object], written: ExitStack) -> str:
        """The file of a guest; source text and functions are written to one, which goes when `written` is closed."""
        if isinstance(guest, FunctionType):
            return self._write(guest.__name__, given.program_of(guest, args), written)
        if not isinstance(guest, str | os.PathLike):
            raise UsageError(
                f"guest {guest!r}: found a {type(guest).__name__}, expected a name, file, source or function"
            )
        word = os.fspath(guest)
        if "\n" in word:
            return self._write("guest", textwrap.dedent(word), written)
        if "/" not in word and not word.endswith(".py"):
            shipped = dict(modules(guests_folder()))
            if word not in shipped:
                raise UsageError(
                    f"no guest {word!r}, expected one of {', '.join(shipped)}, a path, or source text (which has a "
                    "newline)"
                )
            return shipped[word]
        if os.path.isdir(word):
            raise UsageError(f"{word!r} is a directory, not a program")
        if not os.path.isfile(word):
            raise UsageError(f"no file {word!r}")
        return os.path.abspath(word)

    def _write(self, name: str, source: str, written: ExitStack) -> str:
        if self._service is None:
            raise UsageError("this machine is closed")
        data = given.encoded(source)
        # A folder of its own: other threads write theirs, and a guest sees what lies beside it.
        folder = tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True)
        path = os.path.join(written.enter_context(folder), f"{name}.py")
        with open(path, "wb") as f:
            f.write(data)
        return path


def size(value: int | str) -> int:
    """Bytes: a number, or text as "64M"."""
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"([0-9]{1,18})([KMG]?)(?:I?B)?", value.strip().upper()) if isinstance(value, str) else None
    if match is None:
        raise UsageError(f"memory={value!r}: not a size (examples: '64M', '16G', 8388608)")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def _select(patterns: Sequence[str]) -> list[str] | None:
    if "*" in patterns:
        return None
    from kos.report.select import select_events

    return list(select_events(",".join(patterns)))


def _list(name: str, value: object, expected: str) -> list[Any]:
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        raise UsageError(f"{name}={value!r}: found a {type(value).__name__}, expected {expected}")
    return list(value)


@atexit.register
def _close_all() -> None:
    """A program that ends leaves no machine behind, closed or not. A fork of it has none."""
    let_threads_wait()
    for machine in list(_open):
        if machine._pid == os.getpid():
            machine.close()
