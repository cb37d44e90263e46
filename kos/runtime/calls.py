"""How guest code calls: `$w(f)` is what to call instead of f.

For a guest function that is a maker of bodies: called with the arguments, it returns a native generator, which the call
site delegates to. For anything native it is the thing itself. A native generator as a call's result always means a
body; native functions whose results could be generators are wrapped.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GeneratorType,
    GenericAlias,
    MethodType,
    MethodWrapperType,
)
from typing import Any

from kos.compiler.units import by_stub
from kos.compiler.units import info as code_info
from kos.runtime import hooks, library
from kos.runtime.freeze import hashes
from kos.runtime.functions import is_suspendable, make_body_function, make_function
from kos.runtime.guestgen import GuestGen, NativeGen
from kos.runtime.iteration import GENERATOR_METHODS, builtin_iter, builtin_next
from kos.runtime.kernelcall import KernelCall
from kos.runtime.sync import sync

Key = tuple[str, int]
Closure = tuple[CellType, ...] | None

_SPECIAL: dict[Any, Callable[..., Any]] = {next: builtin_next, iter: builtin_iter}


def make(key: Key, globals_: dict[str, Any], *rest: Any) -> FunctionType:
    """`$mk`: what a `def` or lambda makes."""
    return make_function(key[0], key[1], globals_, *rest)


def comprehension(key: Key, globals_: dict[str, Any], closure: Closure) -> Callable[..., Any]:
    """`$cm`: what a comprehension is called by, once."""
    info = code_info(*key)
    start = make_body_function(info, globals_, None, None, closure)
    if info.kind == "generator":
        return lambda iterator: GuestGen(None, start(iterator), info.name, info.qualname)
    return start


#: While `classhooks` makes a class: the function whose call is not carried out, and then its arguments.
caught: list[Any] = []


def enter(key: Key, globals_: dict[str, Any], closure: Closure, /, *args: Any, **kwargs: Any) -> Any:
    """`$enter`: a stub was called by C or native code."""
    if hooks.DEAD[0]:
        return None  # a dead task's objects are being dropped: their finalizers must not act in another's name
    info = code_info(*key)
    if caught and caught[0] == key:
        caught.append((args, kwargs))
        return None
    body = make_body_function(info, globals_, None, None, closure)(*args, **kwargs)
    if info.kind == "generator":
        return GuestGen(None, body, info.name, info.qualname)
    if info.name == "__hash__":
        return hashes.note(args[0], info.stub, sync(body))
    return sync(body)


def maker_of(f: FunctionType) -> Callable[..., Any]:
    """What makes the bodies of a function, or, for a generator function, its generators."""
    info = by_stub.get(id(f.__code__))
    if info is None:
        ours = f.__module__ is not None and f.__module__.startswith("kos.")
        return f if ours or not _LOOKS_AT_CALLER.isdisjoint(f.__code__.co_names) else boxed(f)
    if info.fast is None:
        return f
    start = make_body_function(info, f.__globals__, f.__defaults__, f.__kwdefaults__, f.__closure__)
    if f.__qualname__ != info.qualname:
        start.__qualname__ = f.__qualname__
    if info.kind != "generator":
        return start

    def generator(*args: Any, **kwargs: Any) -> GuestGen:
        return GuestGen(f, start(*args, **kwargs), f.__name__, f.__qualname__)

    return generator


#: What is named by a native function that asks who calls it (`namedtuple`): no frame of ours may stand in between.
_LOOKS_AT_CALLER = frozenset({"_getframe", "_getframemodulename", "_caller"})


def boxed(f: Callable[..., Any]) -> Callable[..., Any]:
    """A native Python function whose result, should it be a generator, is one for guests."""

    def call(*args: Any, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)
        return NativeGen(result) if type(result) is GeneratorType else result

    return call


def new_dispatcher() -> Callable[[Any], Callable[..., Any]]:
    """A `$w` with a cache of its own, which lives as long as the builtins dict that it is put into.

    Makers of functions without a closure are kept: they hold nothing that their module does not. Compiled code that
    assigns to a function's __defaults__ or __kwdefaults__ calls `wrap.forget` (it is `$forget`).
    """
    makers: dict[Any, Any] = dict(GENERATOR_METHODS)  #: and class -> (its __init__, its __new__, what to call)
    find = makers.get

    def forget() -> None:
        makers.clear()
        makers.update(GENERATOR_METHODS)

    def wrap(f: Any) -> Callable[..., Any]:
        kind = type(f)
        if kind is FunctionType:
            maker = find(f)
            if maker is None:
                closure = f.__closure__
                if closure is not None:
                    info = by_stub.get(id(f.__code__))
                    if info is not None:
                        if info.fast is None:
                            return f  # type: ignore[no-any-return]  # any callable
                        if info.kind == "function" and not f.__kwdefaults__:
                            start = FunctionType(info.fast, f.__globals__, info.name, f.__defaults__, closure)
                            if f.__qualname__ != info.qualname:
                                start.__qualname__ = f.__qualname__  # which a TypeError for wrong arguments names
                            if f.__code__.co_freevars == _OF_SUPER and "<locals>" not in f.__qualname__:
                                makers[f] = start  # a method that calls super(): its cell holds its class alone
                            return start
                maker = maker_of(f)
                if closure is None and (f.__defaults__ is None or _may_be_kept(f)):
                    if len(makers) > 4096:  # a program that makes functions without end
                        forget()
                    makers[f] = maker
            return maker
        if kind is BuiltinFunctionType:
            return _SPECIAL.get(f, f) if f.__self__ is _BUILTINS else f  # type: ignore[no-any-return]  # any callable
        if kind is MethodType:
            function = f.__func__
            maker = find(function) if type(function) is FunctionType else None
            if maker is None:
                maker = wrap(function)
            return f if maker is function else MethodType(maker, f.__self__)
        if kind is type:
            init, known = f.__init__, find(f)
            if known is not None and known[0] is init and known[1] is f.__new__:
                return known[2]  # type: ignore[no-any-return]  # any callable
            has_init = type(init) is FunctionType
            if has_init and find(init) is init and f.__new__ is _NEW:
                return f  # type: ignore[no-any-return]  # any callable
            made = wrap_class(f)
            if made is not f:
                if "<locals>" not in f.__qualname__:
                    makers[f] = (init, f.__new__, made)
            elif has_init:
                wrap(init)  # remembered as one that is called as it is; the class, which may go, is not
            return made
        if kind is KernelCall:
            return f.raw  # type: ignore[no-any-return]  # any callable
        if kind is functools.partial:
            return _partial(f, wrap)
        return _other(f, kind, wrap)

    wrap.forget = forget  # type: ignore[attr-defined]  # our own mark
    return wrap


def _may_be_kept(f: FunctionType) -> bool:
    """Whether the defaults are of built-in types, which have no finalizers, and the function is not made again."""
    assert f.__defaults__ is not None
    return "<locals>" not in f.__qualname__ and not any(type(value).__flags__ & 1 << 9 for value in f.__defaults__)


_NEW = object.__new__
_OF_SUPER = ("__class__",)
#: What `Box[int]` is, for a generic class and for one with a `__class_getitem__` of its own.
_ALIASES: tuple[type, ...] = (type(typing.List[int]), GenericAlias)  # noqa: UP006  # the alias itself is meant
_BUILTINS = len.__self__  # type: ignore[attr-defined]  # typeshed does not say


def wrap_class(cls: Any) -> Callable[..., Any]:
    """Instantiation, as type.__call__ does it: the class itself where no guest code that suspends takes part."""
    init = cls.__init__
    if type(init) is FunctionType or type(cls.__new__) is FunctionType:
        if cls.__new__ is _NEW:
            if is_suspendable(init):
                return functools.partial(library.maker("calls", "construct"), cls)
        elif is_suspendable(cls.__new__) or is_suspendable(init):
            return functools.partial(library.maker("calls", "instantiate"), cls)
    return cls  # type: ignore[no-any-return]  # any callable


def _partial(f: functools.partial[Any], wrap: Callable[[Any], Callable[..., Any]]) -> Callable[..., Any]:
    inner = wrap(f.func)
    if inner is f.func:
        return f
    return functools.partial(inner, *f.args, **f.keywords)


def _other(f: Any, kind: Any, wrap: Callable[[Any], Callable[..., Any]]) -> Callable[..., Any]:
    if isinstance(f, type):
        meta_call = kind.__call__
        if is_suspendable(meta_call):
            return MethodType(wrap(meta_call), f)
        return wrap_class(f) if meta_call is type.__call__ else f
    if kind is MethodWrapperType and f.__name__ == "__call__":
        owner = f.__self__
        if isinstance(owner, type):
            made = wrap_class(owner)
            # type.__call__ itself where nothing suspends: the class would ask its metaclass again.
            return f if made is owner else made
        return wrap(owner) if type(owner) is FunctionType else f
    if kind is staticmethod:  # in a class body, before it is anybody's attribute
        return wrap(f.__func__)
    if kind in _ALIASES and isinstance(f.__origin__, type) and wrap(f.__origin__) is not f.__origin__:
        return functools.partial(library.maker("calls", "instantiate_alias"), f)
    if callable(f) and is_suspendable(kind.__call__):
        return MethodType(wrap(kind.__call__), f)
    return f  # type: ignore[no-any-return]  # any callable
