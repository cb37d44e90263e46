"""The helpers that compiled code names: all begin with `$`, and stand in a guest's builtins dict.

So a guest can give the names of built-ins to its own things, and the compiled code around it still works.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType
from typing import Any

from kos.hw.tlb import hot
from kos.runtime import calls, classes, frameviews, generics, hooks, iteration, library, raising
from kos.runtime.guestgen import GuestGen
from kos.runtime.world import current
from kos.traps import LANDED, Carry, Thrown, unwrap

_NO_ATTRIBUTE = object()


def install(own: dict[str, Any]) -> None:
    """Put every helper into a builtins dict (and a fresh cache of call targets with it).

    `$import` is not among them: who knows modules puts it there, a callable
    (name, globals, fromlist, level) as __import__ has it.
    """
    own.update(_TABLE)
    own["$p"] = hooks.pending
    own["$w"] = wrap = calls.new_dispatcher()
    own["$forget"] = wrap.forget  # type: ignore[attr-defined]  # our own mark
    own["$sp"] = safepoint
    own["$build_class"] = library_maker("calls", "build_class")
    if _early is not None:
        _early.append(own)


#: Builtins dicts that were made before this process became a CPU: they hold another pending word.
_early: list[dict[str, Any]] | None = []


def rebind() -> None:
    """hooks.pending is this CPU's own from now on: once, in each CPU's process."""
    global _early
    for own in _early or ():
        own["$p"] = hooks.pending
    _early = None


def safepoint() -> Any:
    """`$sp`: what a body delegates to where it sees the pending word set; () where there is nothing to do."""
    return hooks.safepoint()


def library_maker(module: str, name: str) -> Callable[..., Any]:
    """A library function's maker, found when it is first called: the library needs the helpers itself."""

    def first(*args: Any, **kwargs: Any) -> Any:
        return library.maker(module, name)(*args, **kwargs)

    return first


def enter_with(manager: Any) -> tuple[Any, Any]:
    """`$with`: the bound __enter__ and __exit__ of a context manager."""
    kind = type(manager)
    enter = _special("__enter__", manager, kind)
    leave = _NO_ATTRIBUTE if enter is _NO_ATTRIBUTE else _special("__exit__", manager, kind)
    if leave is _NO_ATTRIBUTE:
        missed = "" if enter is _NO_ATTRIBUTE else " (missed __exit__ method)"
        raise TypeError(f"'{kind.__name__}' object does not support the context manager protocol{missed}")
    return enter, leave


def _special(name: str, manager: Any, kind: type) -> Any:
    """A special method: of the type, whatever the object or the metaclass would answer."""
    for base in kind.__mro__:
        names = base.__dict__
        if name in names:
            raw = names[name]
            if type(raw) is FunctionType:
                return MethodType(raw, manager)
            get = getattr(type(raw), "__get__", None)
            return raw if get is None else get(raw, manager, kind)
    return _NO_ATTRIBUTE


def visible(names: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    """`$visible`: a function's locals without the hidden ones, in the order of its own frames under CPython.

    Before Python 3.13 that is one dict for all calls in a frame, with what else was put into it.
    """
    kept: dict[str, Any] = names.get("$lo", {})
    for name in order:
        if name in names and name[0] != "$":
            kept[name] = names[name]
        else:
            kept.pop(name, None)
    return kept


def see_locals(f: Any, globals_: dict[str, Any], seen: Any) -> Any:
    """`$dyn`: locals, vars, dir, eval and exec look at their caller's frame; here they are given what it has."""
    if f is builtins.locals:
        return lambda: seen
    if f is builtins.vars:
        return lambda *args: vars(*args) if args else seen
    if f is builtins.dir:
        return lambda *args: dir(*args) if args else sorted(seen)
    if f is builtins.eval or f is builtins.exec:

        def run(source: Any, globals: Any = None, locals: Any = None, /, **kwargs: Any) -> Any:
            if globals is None:
                return f(source, globals_, seen if locals is None else locals, **kwargs)
            return f(source, globals, globals if locals is None else locals, **kwargs)

        return run
    return f


def only(values: Iterable[Any]) -> Any:
    """`$only`: the one item of values."""
    (one,) = values
    return one


def displayhook() -> Any:
    """`$displayhook`: what shows the value of a statement at a prompt."""
    hook = getattr(current().sys, "displayhook", None)
    if hook is None:
        raise RuntimeError("lost sys.displayhook")
    return hook


def import_from(module: Any, name: str) -> Any:
    """`$import_from`: one name of an imported module."""
    found = getattr(module, name, _NO_ATTRIBUTE)
    if found is not _NO_ATTRIBUTE:
        return found
    owner = getattr(module, "__name__", None)
    if isinstance(owner, str):
        # A module that is being imported in a circle is not its package's attribute yet.
        found = current().modules.get(f"{owner}.{name}", _NO_ATTRIBUTE)
        if found is not _NO_ATTRIBUTE:
            return found
    place = getattr(module, "__file__", None)
    where = place or "unknown location"
    half = getattr(getattr(module, "__spec__", None), "_initializing", False)
    partly, why = ("partially initialized module ", "most likely due to a circular import) (") if half else ("", "")
    text = f"cannot import name {name!r} from {partly}{owner or '<unknown module name>'!r} ({why}{where})"
    raise ImportError(text, name=owner, path=place)


def import_star(module: Any, namespace: Any) -> None:
    """`$import_star`: the public names of an imported module."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [name for name in vars(module) if not name.startswith("_")]
    for name in names:
        namespace[name] = getattr(module, name)


_TABLE: dict[str, Any] = {
    "$G": GeneratorType,
    "$B": BuiltinFunctionType,
    "$type": type,
    "$int": int,
    "$range": type(iter(range(0))),
    "$hot": hot,
    "$NameError": NameError,
    "$globals": globals,
    "$locals": locals,
    "$slice": slice,
    "$super": super,
    "$SI": StopIteration,
    "$BE": BaseException,
    "$Carry": Carry,
    "$Thrown": Thrown,
    "$LANDED": LANDED,
    "$DT": hooks.DEAD,
    "$mk": calls.make,
    "$cm": calls.comprehension,
    "$enter": calls.enter,
    "$iter": iteration.loop_iter,
    "$step": iteration.step,
    "$P": iteration.PENDING,
    "$again": iteration.again,
    "$yf": iteration.delegate,
    "$generator": GuestGen,
    "$collect": iteration.collect,
    "$with": enter_with,
    "$visible": visible,
    "$dyn": see_locals,
    "$only": only,
    "$param": generics.type_param,
    "$alias": generics.type_alias,
    "$generic": generics.generic,
    "$generic_base": generics.generic_base,
    "$displayhook": displayhook,
    "$import_from": import_from,
    "$import_star": import_star,
    "$has": classes.has_name,
    "$cell": classes.cell_value,
    "$cs": classes.class_set,
    "$cd": classes.class_delete,
    "$gl": classes.global_load,
    "$notes": classes.make_annotations,
    "$guest_tb": raising.traceback_of,
    "$guest_context": raising.context_of,
    "$guest_back": frameviews.back_of,
    "$guest_locals": frameviews.locals_of,
    "$guest_code": frameviews.code_of,
    "$guest_co": frameviews.code_fact,
    "$hold": raising.hold,
    "$unhold": raising.unhold,
    "$exc_info": raising.exc_info,
    "$plain": unwrap,
    "$wide": raising.widen,
    "$match": raising.matches,
    "$star": raising.Star,
}
