"""The structured log: one JSON object a line, written by each CPU to a file of its own, merged at the end.

Each CPU opens `FILE.cpuN` after it was forked: a file buffered before the fork would be written twice, once
by each process that inherited the buffer. Events of one CPU are in time order because each takes its `ts` when
it is written, so the merge is a merge of sorted files (what trace-cmd does with its per-CPU files).

structlog is imported here only, and this module only with `--log`: without it a run never pays for it.
"""

from __future__ import annotations

import heapq
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO

from kos.hw.cpu import this
from kos.platform.host.clock import now_ns
from kos.trace import emit

_BUFFER = 128 << 10  #: bytes kept before they are written
_FLUSH_NS = 100_000_000  #: nothing stays in the buffer much longer: what a CPU that is killed had said is there
_TS = re.compile(rb'"ts": ?(\d+)')
_ADDRESSES = frozenset({"vaddr", "addr"})  #: written as "0x...": JavaScript loses digits above 2**53


def part_name(path: str, cpu: int) -> str:
    """The file that one CPU writes."""
    return f"{path}.cpu{cpu}"


class _Lines:
    """What structlog calls a logger: takes one finished line. Flushed by size and by age."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._flushed_ns = now_ns()

    def msg(self, line: str) -> None:
        self._file.write(line.encode() + b"\n")
        now = now_ns()
        if now - self._flushed_ns > _FLUSH_NS:
            self._file.flush()
            self._flushed_ns = now

    info = msg

    def flush(self) -> None:
        self._file.flush()


def start(path: str, cpu: int, names: Sequence[str] | None, boot_ns: int) -> Callable[[], None]:
    """Log the named events (None: all) of this process from now on; returns what stops and flushes the log.

    boot_ns: host monotonic clock at boot, the zero of `ts`.
    """
    import structlog

    file = open(part_name(path, cpu), "wb", buffering=_BUFFER)
    encode = json.JSONEncoder(default=_plain).encode
    lines = _attached.lines = _Lines(file)
    logger = structlog.wrap_logger(
        lines,
        processors=[_event_first, structlog.processors.JSONRenderer(serializer=lambda line, **_: encode(line))],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    ).bind()

    def sink(event: emit.Event, fields: dict[str, Any]) -> None:
        # ts is taken here, in program order: that is what keeps a part sorted.
        line = {"ts": now_ns() - boot_ns, "cpu": cpu, "pid": this.block.current_pid, **fields}
        for name in _ADDRESSES & fields.keys():
            if isinstance(fields[name], int):
                line[name] = hex(fields[name])
        logger.info(event.name, **line)

    emit.attach(sink, None if names is None else list(names))

    def stop() -> None:
        emit.detach(sink)
        file.close()

    return stop


class _Attached:
    """The log of the CPU that this process is."""

    stop: Callable[[], None] | None = None
    lines: _Lines | None = None


_attached = _Attached()


def attach_cpu(path: str, cpu: int, names: Sequence[str] | None, boot_ns: int) -> None:
    """start() for a CPU process; detach_cpu() ends it."""
    _attached.stop = start(path, cpu, names, boot_ns)


def flush_cpu() -> None:
    """Write out what this CPU has logged so far."""
    if _attached.stop is not None and _attached.lines is not None:
        _attached.lines.flush()


def detach_cpu() -> None:
    """Flush and close this CPU's log, if it has one. A CPU leaves by os._exit, so nobody else would."""
    stop, _attached.stop = _attached.stop, None
    if stop is not None:
        stop()


def base_of(log: str, machine: str) -> str:
    """What the names of a log's parts begin with: beside a pipe or /dev/stderr nobody may write."""
    if not os.path.exists(log) or os.path.isfile(log):
        return log
    return os.path.join(tempfile.gettempdir(), f"{machine}.log")


def merge(path: str, nr_cpus: int, base: str | None = None) -> int:
    """Make one file, sorted by time, of the parts that the CPUs wrote, and remove them; returns the lines written.

    A line that a killed CPU did not finish is left out. Written to a file beside the target and renamed, so
    that a log is never half there. Raises OSError, with the parts gone, too: a full disk is not left full.
    base: as base_of() said.
    """
    base = base or path
    parts = [name for name in (part_name(base, cpu) for cpu in range(nr_cpus)) if os.path.exists(name)]
    nr_lines = 0
    is_file = path == base
    target = f"{path}.merging" if is_file else path  # a pipe or /dev/stderr cannot be renamed over
    try:
        with ExitStack() as stack:
            out = stack.enter_context(open(target, "wb", buffering=_BUFFER))
            streams = [_lines(stack.enter_context(open(name, "rb", buffering=_BUFFER))) for name in parts]
            for _, line in heapq.merge(*streams, key=lambda item: item[0]):
                out.write(line)
                nr_lines += 1
        if is_file:
            os.replace(target, path)
    finally:
        for name in (*parts, *([target] if is_file else [])):
            try:
                os.unlink(name)
            except FileNotFoundError:
                pass  # it is the log now
    return nr_lines


def read_new(path: str, nr_cpus: int, offsets: list[int]) -> list[dict[str, Any]]:
    """The events that the CPUs have written since the last call, in time order.

    offsets: where each part was read up to, begins with zeros; moved on here.
    """
    parts: list[list[tuple[int, bytes]]] = []
    for cpu in range(nr_cpus):
        try:
            with open(part_name(path, cpu), "rb") as f:
                f.seek(offsets[cpu])
                data = f.read()
        except OSError:
            continue
        whole = data[: data.rfind(b"\n") + 1]
        offsets[cpu] += len(whole)
        parts.append([(int(m[1]), line) for line in whole.splitlines() if (m := _TS.search(line)) is not None])
    return [json.loads(line) for _, line in heapq.merge(*parts, key=lambda item: item[0])]


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(ts, line) of every whole line."""
    for line in file:
        found = _TS.search(line)
        if found is not None and line.endswith(b"}\n"):
            yield int(found[1]), line


def _event_first(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> dict[str, Any]:
    """structlog processor: the event's name leads, for those who read the file."""
    return {"event": line.pop("event"), **line}


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "item"):
        return value.item()  # a numpy scalar
    return str(value)
