"""`__set_name__` and `__init_subclass__` in the guest's own frames.

type.__new__ calls them, and while it is on the stack nothing can be forked. So where they are guest code, the class is
made without them, and the class statement calls them afterwards, as type.__new__ would have: a value with a
`__set_name__` is put in when the class is there, and the call of `__init_subclass__` is caught where C code enters the
guest. Only for metaclasses that leave making a class to `type`: nobody else sees the class before it is finished.
"""

from __future__ import annotations

import abc
import functools
import sys
from types import FunctionType
from typing import Any

from kos.runtime import calls
from kos.runtime.functions import code_ref, is_suspendable

#: What is called after the class is made: for these names, and, if it is not None, that `__init_subclass__`.
#: No class of its own: a frame that holds it may be captured.
Plan = tuple[tuple[str, ...], FunctionType | None]


def plan_for(meta: Any, bases: tuple[Any, ...], namespace: Any) -> Plan | None:
    """None where type.__new__ may do everything itself."""
    if not isinstance(meta, type) or not all(isinstance(base, type) for base in bases):
        return None
    names: tuple[str, ...] = ()
    if type(namespace) is dict:
        names = tuple([k for k, v in namespace.items() if is_suspendable(getattr(type(v), "__set_name__", None))])
    hook = _inherited(bases)
    function: Any = hook.__func__ if type(hook) is classmethod else None
    if not is_suspendable(function):
        function = None
    if not names and function is None:
        return None
    found: Any = meta  # typeshed takes its __new__ and __init__ for what they cannot be here
    leaves_it = found.__new__ in _MAKERS and found.__init__ is type.__init__ and type(meta) is type
    # A plain __init_subclass__ runs inside type.__new__: the names must be set before it.
    return (names, function) if leaves_it and (function is not None or hook is _NOTHING) else None


_MAKERS = (type.__new__, abc.ABCMeta.__new__)
_NOTHING = vars(object)["__init_subclass__"]


def _inherited(bases: tuple[Any, ...]) -> Any:
    if len(bases) == 1:
        order = bases[0].__mro__
    else:
        merge: Any = vars(functools)["_c3_merge"]
        try:
            order = merge([[*base.__mro__] for base in bases] + [[*bases]])
        except (RuntimeError, AttributeError):
            return None  # type.__new__ will say what is wrong
    for base in order:
        if "__init_subclass__" in vars(base):
            return vars(base)["__init_subclass__"]
    return _NOTHING


def make_class(
    meta: Any, name: str, bases: tuple[Any, ...], namespace: dict[str, Any], keywords: dict[str, Any], plan: Plan
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The class without its hooks, and the arguments of its `__init_subclass__`, if that is in the plan."""
    names, hook = plan
    given = {key: (None if key in names else value) for key, value in namespace.items()}
    if hook is not None:
        calls.caught[:] = [code_ref(hook)]
    try:
        cls = meta(name, bases, given, **keywords)
        args, kwargs = calls.caught[1] if hook is not None else ((), {})
    finally:
        calls.caught.clear()
    for key in names:
        type.__setattr__(cls, key, namespace[key])
    return cls, args, kwargs


def set_name_failed(error: BaseException, value: Any, name: str, cls: Any) -> BaseException:
    """The exception that a class statement raises where `__set_name__` did."""
    text = f"Error calling __set_name__ on '{type(value).__name__:.100}' instance {name!r} in '{cls.__name__:.100}'"
    if sys.version_info >= (3, 12):
        error.add_note(text)
        return error
    made = RuntimeError(text)
    made.__cause__ = error
    return made
