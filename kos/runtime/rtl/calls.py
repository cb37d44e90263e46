"""Instantiation, class statements and safepoints, in guest language: any of their steps may suspend."""

from types import resolve_bases

from kos.runtime.classes import check_class_cell, check_init, check_namespace, most_derived
from kos.runtime.classhooks import make_class, plan_for, set_name_failed
from kos.runtime.kernelcall import trap
from kos.traps import RESCHED


def construct(cls, /, *args, **kwargs):
    """The same where there is no `__new__` but object's."""
    obj = object.__new__(cls)
    result = cls.__init__(obj, *args, **kwargs)
    if result is not None:
        check_init(result)
    return obj


def instantiate(cls, /, *args, **kwargs):
    """What type.__call__ does."""
    new = cls.__new__
    obj = object.__new__(cls) if new is object.__new__ else new(cls, *args, **kwargs)
    if cls in type(obj).__mro__:
        check_init(type(obj).__init__(obj, *args, **kwargs))
    return obj


def instantiate_alias(alias, /, *args, **kwargs):
    """What a call of `Generic[T]` with a parameter does."""
    obj = alias.__origin__(*args, **kwargs)
    try:
        obj.__orig_class__ = alias
    except (AttributeError, TypeError):
        pass  # it has no such attribute
    return obj


def build_class(body, name, bases, keywords):
    """What a class statement does (the language reference, 3.3.3)."""
    resolved = resolve_bases(bases)
    if "metaclass" in keywords:
        meta = keywords.pop("metaclass")
    else:
        meta = type(resolved[0]) if resolved else type
    if isinstance(meta, type):
        meta = most_derived(meta, resolved)
    prepare = getattr(meta, "__prepare__", None)
    namespace = {} if prepare is None else prepare(name, resolved, **keywords)
    check_namespace(meta, namespace)
    cell = body(namespace)
    if resolved is not bases:
        namespace["__orig_bases__"] = bases
    plan = plan_for(meta, resolved, namespace)
    if plan is None:
        cls = meta(name, resolved, namespace, **keywords)
    else:
        cls, args, kwargs = make_class(meta, name, resolved, namespace, keywords, plan)
        names, hook = plan
        for attribute in names:
            call_set_name(namespace[attribute], cls, attribute)
        if hook is not None:
            hook(*args, **kwargs)
    check_class_cell(cell, cls)
    return cls


def call_set_name(value, cls, name):
    """Tell a value of which class it is an attribute."""
    try:
        type(value).__set_name__(value, cls, name)
    except Exception as error:
        raise set_name_failed(error, value, name, cls)  # noqa: B904  # it has its cause


def safepoint():
    """Serve interrupts; the kernel answers with a signal handler to call, or with None."""
    work = trap(RESCHED)
    while work is not None:
        work[0](*work[1:])
        work = trap(RESCHED)
