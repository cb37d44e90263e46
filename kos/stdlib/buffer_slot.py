"""The buffer protocol for classes whose bytes lie in simulated memory, so that C code can read and write them.

C gets a copy of the bytes in one piece; when it lets go of a copy that it could write, what it changed is stored back,
and only that: another CPU may have written elsewhere in the mapping meanwhile. zlib.crc32(m), b"".join([m]),
file.readinto(m) work that way. What holds its buffer for long (a memoryview) would see a snapshot, which is why guests
have their own `memoryview`.

Python 3.12 lets a class do this (PEP 688, __buffer__). In 3.11 only types written in C can, so there the two slots
of the class are filled with C functions made by ctypes: CPython's bytearray does the same in its own. Subclasses that
are made later inherit them. Rejected: basing the class on a C type with a buffer (bytearray): it exports its own bytes.
"""

from __future__ import annotations

import ctypes
import inspect
import mmap
import sys
from typing import Any

from kos.hw.pte import READ, WRITE
from kos.runtime.typename import TP_NAME
from kos.stdlib.buffers_ import InMemory, host_memoryview

_PYBUF_WRITABLE = 1
_TP_AS_BUFFER = 160  #: offset of tp_as_buffer in PyTypeObject on 64-bit CPython; cpython/object.h, 3.8 to 3.13


_FAR, _NEAR = 1 << 15, 1 << 8  #: bytes that are compared at once, to find what was changed

_names: list[bytes] = []  #: what tp_name of the classes points to


def _kept(name: bytes) -> bytes:
    _names.append(name)
    return name


class _PyBuffer(ctypes.Structure):
    """Py_buffer; cpython/object.h, 3.11."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


class _PyBufferProcs(ctypes.Structure):
    _fields_ = [("bf_getbuffer", ctypes.c_void_p), ("bf_releasebuffer", ctypes.c_void_p)]


class Loan:
    """A copy that C code works on, until it gives it back."""

    def __init__(self, exporter: InMemory, writable: bool) -> None:
        from kos.runtime import memory

        addr, length = exporter._kos_window(writable)
        if length and not memory.is_accessible(addr, length, READ):
            raise BufferError("bad address")
        self.addr = addr
        before = memory.load(addr, length) if length else b""
        self.copy = bytearray(before)
        self.before = before if writable else None

    def store_back(self) -> None:
        """Store the pieces that were changed."""
        from kos.runtime import memory

        before, after = self.before, self.copy
        if before is None or before == after:
            return
        for far in range(0, len(after), _FAR):
            end = min(far + _FAR, len(after))
            if before[far:end] == after[far:end]:
                continue  # most of a large buffer
            start = far
            for low in range(far, end, _NEAR):
                high = min(low + _NEAR, end)
                if before[low:high] == after[low:high]:
                    if start < low:
                        self._store_piece(memory.store, start, low)
                    start = high
            if start < end:
                self._store_piece(memory.store, start, end)

    def _store_piece(self, store: Any, low: int, high: int) -> None:
        """Store [low, high) without the bytes at its two ends that are as they were."""
        from kos.runtime import memory

        before, after = self.before, self.copy
        assert before is not None
        while low < high and before[low] == after[low]:
            low += 1
        while low < high and before[high - 1] == after[high - 1]:
            high -= 1
        if memory.is_accessible(self.addr + low, high - low, WRITE):
            store(self.addr + low, bytes(after[low:high]))


def install(cls: type[InMemory], name: bytes) -> None:
    """Let C code take buffers from instances of `cls` and of its future subclasses, and call it `name` in messages."""
    ctypes.c_char_p.from_address(id(cls) + TP_NAME).value = _kept(name)
    if sys.version_info >= (3, 12):
        type.__setattr__(cls, "__buffer__", _buffer)  # not the class's own, which lets nothing be set
        type.__setattr__(cls, "__release_buffer__", _release_buffer)
    else:
        _install_slots(cls)


# --- Python 3.12 and later ---

_loans: dict[int, Loan] = {}  #: by id: of the memoryview (3.12), of the loan (3.11)


def _buffer(self: InMemory, flags: int) -> memoryview:
    writable = bool(flags & inspect.BufferFlags.WRITABLE)  # type: ignore[attr-defined]  # since 3.12
    loan = Loan(self, writable)
    view = host_memoryview(loan.copy)
    _loans[id(view)] = loan
    return view if writable else view.toreadonly()


def _release_buffer(self: InMemory, view: memoryview) -> None:
    loan = _loans.pop(id(view), None)
    if loan is not None:
        loan.store_back()


# --- Python 3.11 ---


def _get(exporter: Any, buffer: Any, flags: int) -> int:
    """bf_getbuffer: fill the Py_buffer from a copy. 0, or -1 with the exception noted for _shim() to raise."""
    try:
        loan = Loan(exporter, bool(flags & _PYBUF_WRITABLE))
        length = len(loan.copy)
        address = ctypes.addressof((ctypes.c_char * length).from_buffer(loan.copy)) if length else 0
        _fill(buffer, exporter, address or id(loan), length, 0 if flags & _PYBUF_WRITABLE else 1, flags)
        buffer.contents.internal = id(loan)
        _loans[id(loan)] = loan
        return 0
    except BaseException as error:  # the end of a task that its access kills, too
        _failure[:] = [type(error), error]
        _raised[0], _raised[1] = id(_failure[0]), id(_failure[1])
        return -1


def _release(exporter: Any, buffer: Any) -> None:
    """bf_releasebuffer: take the copy back."""
    loan = _loans.pop(buffer.contents.internal, None)
    if loan is not None:
        loan.store_back()


_GET = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)
_RELEASE = ctypes.PYFUNCTYPE(None, ctypes.py_object, ctypes.POINTER(_PyBuffer))
_fill = ctypes.pythonapi.PyBuffer_FillInfo
_fill.argtypes = [
    ctypes.POINTER(_PyBuffer), ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int, ctypes.c_int,
]  # fmt: skip
_get_function, _release_function = _GET(_get), _RELEASE(_release)  # kept for ever: the slots point at them
_failure: list[Any] = []  #: type and value of the last exception of _get, kept alive
_raised = (ctypes.c_uint64 * 2)()  #: their addresses


def _address(function: Any) -> bytes:
    """Where a C function lies, as eight bytes of machine code."""
    return (ctypes.cast(function, ctypes.c_void_p).value or 0).to_bytes(8, "little")


def _shims() -> tuple[mmap.mmap, int, int]:
    """Machine code between the slots and the two functions: (its page, bf_getbuffer, bf_releasebuffer).

    A function of ctypes cannot raise, and it loses the exception that is on its way when C lets go of a buffer because
    of it (struct.pack_into past the end). So one raises what _get noted, and the other puts the exception aside.
    """
    api, call = ctypes.pythonapi, bytes.fromhex("ffd0")  # call rax
    rax, rdi = bytes.fromhex("48b8"), bytes.fromhex("48bf")  # mov register, eight bytes
    fail = (
        rdi + ctypes.addressof(_raised).to_bytes(8, "little") + bytes.fromhex("488b7708 488b3f")  # rsi, rdi = its words
        + rax + _address(api.PyErr_SetObject) + call + bytes.fromhex("b8ffffffff")  # mov eax, -1
    )  # fmt: skip
    getbuffer = (
        bytes.fromhex("4883ec08") + rax + _address(_get_function) + call  # sub rsp, 8
        + bytes.fromhex("85c0 79") + bytes([len(fail)]) + fail  # test eax, eax; jns over `fail`
        + bytes.fromhex("4883c408 c3")
    )  # fmt: skip
    release = (
        bytes.fromhex("53 4154 4883ec28 4889fb 4989f4")  # push rbx, r12; room for three words; keep the arguments
        + bytes.fromhex("488d3c24 488d742408 488d542410") + rax + _address(api.PyErr_Fetch) + call
        + bytes.fromhex("4889df 4c89e6") + rax + _address(_release_function) + call
        + bytes.fromhex("488b3c24 488b742408 488b542410") + rax + _address(api.PyErr_Restore) + call
        + bytes.fromhex("4883c428 415c 5b c3")
    )  # fmt: skip
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page[: len(getbuffer)] = getbuffer
    page[1024 : 1024 + len(release)] = release
    base = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return page, base, base + 1024


_code: list[Any] = []  #: the page of machine code, kept for ever


def _install_slots(cls: type[InMemory]) -> None:
    if not _code:
        _code.extend(_shims())
    slots = _PyBufferProcs.from_address(ctypes.c_void_p.from_address(id(cls) + _TP_AS_BUFFER).value or 0)
    slots.bf_getbuffer, slots.bf_releasebuffer = _code[1], _code[2]
