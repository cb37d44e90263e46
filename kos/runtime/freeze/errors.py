"""Exceptions with all that they carry, and tracebacks that print the same.

A traceback object needs a frame object, and only running code makes one. For each entry a
tiny function is compiled whose only expression stands at the entry's file, line and
columns, under the entry's name; it is run, it raises, and the frame that it leaves behind
serves (tblib does the same, without the columns). What a program can print of the rebuilt
traceback is what it could print of the old one; locals of those frames are gone.
"""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType, GetSetDescriptorType, MemberDescriptorType, TracebackType
from typing import TYPE_CHECKING, Any, cast

from greenlet import greenlet

from kos.runtime.freeze import hashes, static

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

Position = tuple[int, int, int, int]
Entry = tuple[str, str, str, int, Position | None, str]

_SKIP = frozenset({"__dict__", "__weakref__", "__traceback__", "__context__", "__cause__", "__suppress_context__"})
_READ_ONLY = frozenset({"message", "exceptions"})

#: Which traceback entries are the guest's; the runtime's own are left out. Settable.
keep_entry: list[Callable[[CodeType], bool]] = [lambda code: True]


@functools.cache
def _fields(solid: type) -> tuple[str, ...]:
    """The attributes that a native exception type keeps outside its __dict__."""
    return tuple(
        dict.fromkeys(
            name
            for base in solid.__mro__
            if base is not object
            for name, value in vars(base).items()
            if isinstance(value, (MemberDescriptorType, GetSetDescriptorType)) and name not in _SKIP | _READ_ONLY
        )
    )


def solid_exception(cls: type) -> type:
    """The native exception type that `cls` rests on."""
    for base in cls.__mro__:
        if not base.__flags__ & (1 << 9) and issubclass(base, BaseException):
            return base
    return BaseException


def reduce_exception(freezer: Freezer, one: BaseException) -> Reduced:
    """By fields: the constructor of a guest's exception class is not called again."""
    cls = type(one)
    solid = solid_exception(cls)
    args: tuple[Any, ...] = ()
    look = functools.partial(object.__getattribute__, one)  # past the class's own __getattribute__
    if issubclass(cls, BaseExceptionGroup):
        args = (look("message"), look("exceptions"))
    values = {}
    for name in _fields(solid):
        try:
            value = look(name)
            if value is not None:  # where a field is empty None is read, but a None that was set is printed
                values[name] = value
        except AttributeError:
            continue  # OSError.characters_written where there is none
    for name in ("__cause__", "__context__", "__suppress_context__"):
        values[name] = look(name)
    freezer.later(set_exception, one, (values, look("__traceback__"), dict(look("__dict__")), _slots(one, cls)))
    return (new_exception, (cls, solid, args), hashes.number_of(freezer.world, one), None, None, hashes.set_number)


def _slots(one: BaseException, cls: type) -> dict[str, Any]:
    found = {}
    for base in cls.__mro__:
        if not base.__flags__ & (1 << 9):
            break
        for name, value in vars(base).items():
            if isinstance(value, MemberDescriptorType):
                try:
                    found[name] = value.__get__(one)
                except AttributeError:
                    continue  # not set
    return found


def new_exception(cls: type[BaseException], solid: Any, args: tuple[Any, ...]) -> BaseException:
    """An exception of the class, without its __new__ and __init__."""
    return cast(BaseException, solid.__new__(cls, *args))


def set_exception(
    one: BaseException, state: tuple[dict[str, Any], TracebackType | None, dict[str, Any], dict[str, Any]]
) -> None:
    """All that the exception carried, past the class's own __setattr__."""
    values, traceback, attributes, slots = state
    put = object.__setattr__
    for name, value in itertools.chain(values.items(), attributes.items(), slots.items()):
        put(one, name, value)
    put(one, "__traceback__", traceback)


# --- tracebacks ----------------------------------------------------------------------------


def _position(code: CodeType, lasti: int) -> Position | None:
    if lasti < 0:
        return None
    found = next(itertools.islice(code.co_positions(), lasti // 2, None), None)
    return cast(Position, found) if found and None not in found else None


def reduce_traceback(freezer: Freezer, one: TracebackType) -> Reduced:
    """The guest's own entries, as text and numbers."""
    entries: list[Entry] = []
    entry: TracebackType | None = one
    while entry is not None:
        code = entry.tb_frame.f_code
        if keep_entry[0](code):
            entries.append(
                (
                    code.co_filename,
                    code.co_name,
                    code.co_qualname,
                    entry.tb_lineno,
                    _position(code, entry.tb_lasti),
                    entry.tb_frame.f_globals.get("__name__", ""),
                )
            )
        entry = entry.tb_next
    return (make_traceback, (tuple(entries),))


def reduce_frame(freezer: Freezer, one: FrameType) -> Reduced:
    """A frame object that a program holds: its file, name and line."""
    code = one.f_code
    return (
        make_frame,
        (
            code.co_filename,
            code.co_name,
            code.co_qualname,
            one.f_lineno,
            _position(code, one.f_lasti),
            one.f_globals.get("__name__", ""),
        ),
    )


@functools.lru_cache(maxsize=512)
def _raiser(filename: str, name: str, qualname: str, line: int, position: Position | None) -> CodeType:
    """Code that raises at the position, under the name."""
    first, last, column, end = position or (line, line, 0, 0)
    where = {"lineno": first, "end_lineno": last, "col_offset": column, "end_col_offset": end}
    call = ast.Call(ast.Name("fail", ast.Load(), **where), [], [], **where)
    body = ast.Expr(call, **where)
    function = cast(ast.FunctionDef, ast.parse("def f(fail): pass").body[0])
    function.lineno = function.end_lineno = first
    function.body = [body]
    module = compile(ast.Module([function], []), filename, "exec")
    code = next(const for const in module.co_consts if isinstance(const, CodeType))
    return code.replace(co_name=name, co_qualname=qualname)


class _Here(Exception):
    pass


def _fail() -> None:
    raise _Here


def _entry(entry: Entry) -> TracebackType:
    filename, name, qualname, line, position, module = entry
    run = FunctionType(_raiser(filename, name, qualname, line, position), {"__name__": module, "__file__": filename})
    # On a stack of its own: a frame that is kept keeps its callers, and they hold all that is being loaded.
    found: TracebackType = greenlet(_traceback_of).switch(run)
    return TracebackType(None, found.tb_frame, found.tb_lasti, line)


def _traceback_of(run: FunctionType) -> TracebackType | None:
    try:
        run(_fail)
    except _Here as error:
        return cast(TracebackType, error.__traceback__).tb_next  # in no variable: this frame is kept, too
    raise AssertionError("the raiser returned")


def make_traceback(entries: tuple[Entry, ...]) -> TracebackType | None:
    """A chain of entries that prints like the one that was saved; None if it was the runtime's only."""
    chain: TracebackType | None = None
    for entry in reversed(entries):
        made = _entry(entry)
        made.tb_next = chain
        chain = made
    return chain


def make_frame(*entry: Any) -> FrameType:
    """A frame object with the file, name and line of one that was saved."""
    return _entry(entry).tb_frame


static.register((new_exception, set_exception, make_traceback, make_frame))
