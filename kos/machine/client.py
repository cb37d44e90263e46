"""`from kos import Machine`: a machine for programs, tests and notebooks.

The machine's supervisor is a process of its own, forked when the machine is made. So several machines can run in one
program, a machine that fails takes nothing with it, and policies defined in the program itself can be plugins.
"""

from __future__ import annotations

import inspect
import os
import re
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, TracebackType
from typing import Any

from kos.errors import UsageError
from kos.machine.config import MachineConfig
from kos.machine.programs import guests_folder, modules
from kos.machine.result import Result
from kos.platform.host.service import Service
from kos.trace.histogram import Histogram

Guest = str | os.PathLike[str] | Callable[..., Any]


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
        self._folder = tempfile.TemporaryDirectory(prefix="kos-api-")
        patterns = [events] if isinstance(events, str) else list(events)
        path = os.path.join(self._folder.name, "events") if patterns else None
        if log is not None:
            path = os.path.abspath(os.fspath(log))
        if isinstance(plugins, str):
            raise UsageError(f"plugins={plugins!r}: found a str, expected a list: [{plugins!r}]")
        try:
            self.config = MachineConfig(
                cpus=cpus,
                memory=size(memory),
                plugins=tuple(plugins),
                settings={name: str(value) for name, value in (settings or {}).items()},
                tlb=tlb,
                log=path,
                log_events=_select(patterns) if patterns else [],
                **options,
            )
            from kos.machine.server import serve

            self._service = Service("kos-machine", serve)
            self.name: str = self._ask(("boot", self.config))  #: for `kos inspect`
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
        (numbers, texts, tuples, lists, dicts of them), and its result, if an int, is the exit code.
        """
        path = self._path_of(guest, args)
        words = [] if isinstance(guest, FunctionType) else [str(word) for word in args]
        data = stdin.encode() if isinstance(stdin, str) else stdin or b""
        request = ("run", path, words, dict(os.environ if environ is None else environ), data)
        try:
            result: Result = self._ask(request)
        except KeyboardInterrupt:
            service, self._service = self._service, None
            if service is not None:
                service.kill()
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
        if service is not None:
            service.close()
        self._folder.cleanup()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_service", None) is not None:
            self.close()

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
        answer = self._service.ask(request)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _path_of(self, guest: Guest, args: Sequence[object]) -> str:
        """The file of a guest; source text and functions are written to one."""
        if isinstance(guest, FunctionType):
            return self._write(guest.__name__, _program_of(guest, args))
        if not isinstance(guest, str | os.PathLike):
            raise UsageError(
                f"guest {guest!r}: found a {type(guest).__name__}, expected a name, file, source or function"
            )
        word = os.fspath(guest)
        if "\n" in word:
            return self._write("guest", textwrap.dedent(word))
        if "/" not in word and not word.endswith(".py"):
            shipped = dict(modules(guests_folder()))
            if word not in shipped:
                raise UsageError(f"no guest {word!r}, expected one of {', '.join(shipped)}, a path, or source text")
            return shipped[word]
        if not os.path.isfile(word):
            raise UsageError(f"no file {word!r}")
        return os.path.abspath(word)

    def _write(self, name: str, source: str) -> str:
        path = os.path.join(self._folder.name, f"{name}.py")
        with open(path, "w", encoding="utf-8") as f:
            f.write(source)
        return path


def size(value: int | str) -> int:
    """Bytes: a number, or text as "64M"."""
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"([0-9]{1,18})([KMG]?)(?:I?B)?", value.strip().upper())
    if match is None:
        raise UsageError(f"memory={value!r}: not a size (examples: '64M', '16G', 8388608)")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def _select(patterns: Sequence[str]) -> list[str] | None:
    if "*" in patterns:
        return None
    from kos.report.select import select_events

    return list(select_events(",".join(patterns)))


def _program_of(function: FunctionType, args: Sequence[object]) -> str:
    """A program that calls the function."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise UsageError(f"the source of {function.__name__} is not known: give it as text") from None
    if function.__closure__ or function.__name__ == "<lambda>":
        raise UsageError(
            f"{function.__name__}: found variables of an outer function, expected a function that stands alone"
        )
    text = ", ".join(repr(arg) for arg in args)
    return (
        f"{source}\n\nif __name__ == '__main__':\n    import sys\n\n"
        f"    _result = {function.__name__}({text})\n    sys.exit(_result if type(_result) is int else 0)\n"
    )
