"""What is looked at before a plugin may be used: its hooks, their arguments, the interface of what they return.

Each complaint is a UsageError that names plugin, hook, what was found and what was expected.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from kos.errors import UsageError, describe
from kos.hooks import spec
from kos.hooks.marker import default_impl
from kos.plugin.find import Plugin

HOOKS: dict[str, Callable[..., Any]] = {n: f for n, f in vars(spec).items() if n.startswith("kos_")}


class Hook:
    """One implementation of a hook by one plugin."""

    def __init__(self, name: str, plugin: Plugin, function: Callable[..., Any], order: int) -> None:
        self.name = name
        self.plugin = plugin
        self.function = function
        self.order = order  #: -1 first, 1 last, 0 as named
        self.takes = list(inspect.signature(function).parameters)

    def __call__(self, **arguments: Any) -> Any:
        """Call with the arguments that it wants; what it raises is a UsageError: hooks run before any machine."""
        try:
            return self.function(**{n: v for n, v in arguments.items() if n in self.takes})
        except (UsageError, KeyboardInterrupt):
            raise
        except BaseException as e:
            raise UsageError(f"{self.plugin}, hook {self.name}: raised {describe(e)}") from e


def hooks_of(plugin: Plugin) -> dict[str, Hook]:
    """The hooks that a plugin implements, checked: pluggy's own checks say neither what was found nor expected."""
    found: dict[str, Hook] = {}
    for attribute in dir(plugin.body):
        value = inspect.getattr_static(plugin.body, attribute)
        mark = getattr(getattr(value, "__func__", value), "kos_impl", None)
        if not attribute.startswith("kos_") and mark is None:
            continue
        function = getattr(plugin.body, attribute)
        if not callable(function) or isinstance(function, type | ModuleType):
            if attribute in HOOKS:
                raise UsageError(f"{plugin}, hook {attribute}: found {function!r}, expected a function")
            continue
        options = default_impl() | (mark or {})
        name = str(options["specname"] or attribute)
        if name not in HOOKS:
            raise UsageError(f"{plugin}: found hook {name}, expected {_nearest(name)}")
        if options["wrapper"] or options["hookwrapper"]:
            raise UsageError(f"{plugin}, hook {name}: found a hook wrapper, expected a plain function")
        found[name] = hook = Hook(
            name, plugin, function, int(bool(options["trylast"])) - int(bool(options["tryfirst"]))
        )
        _check_arguments(hook, function)
    if not found:
        raise UsageError(f"{plugin}: found no hook, expected at least one of {', '.join(HOOKS)}")
    return found


def _check_arguments(hook: Hook, function: Callable[..., Any]) -> None:
    asked = inspect.signature(HOOKS[hook.name])
    allowed = list(asked.parameters)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(f"{hook.plugin}, hook {hook.name}: found an async function, expected a plain one")
    if inspect.isgeneratorfunction(function) and "Iter" not in str(asked.return_annotation):
        raise UsageError(f"{hook.plugin}, hook {hook.name}: found a generator, expected a plain function")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise UsageError(f"{hook.plugin}, hook {hook.name}: found argument {parameter}, expected plain names")
        if parameter.name not in allowed and parameter.default is parameter.empty:
            expected = f"some of ({', '.join(allowed)})" if allowed else "no arguments"
            raise UsageError(f"{hook.plugin}, hook {hook.name}: found argument {parameter.name!r}, expected {expected}")


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.3)
    return f"{near[0]} perhaps: there is no such hook" if near else f"one of {', '.join(HOOKS)}"


def check_interface(interface: type, policy: object, plugin: Plugin, hook: str) -> None:
    """Refuse an object that cannot be what the hook is asked for."""
    title = interface.__name__
    if isinstance(policy, type):
        raise UsageError(
            f"{plugin}, hook {hook}: found the class {policy.__name__}, expected an object: {policy.__name__}()"
        )
    for name, wanted in vars(interface).items():
        if name.startswith("_") or not inspect.isfunction(wanted):
            continue
        method = getattr(policy, name, None)
        expected = f"{title}.{name}{_shape(wanted)}"
        if not callable(method):
            what = "no such method" if method is None else repr(method)
            raise UsageError(f"{plugin}, hook {hook}: found {what} in {type(policy).__name__}, expected {expected}")
        try:
            signature = inspect.signature(method)
        except (TypeError, ValueError):
            continue  # C code says nothing about its arguments
        try:
            signature.bind(*[None] * (len(inspect.signature(wanted).parameters) - 1))
        except TypeError:
            found = f"{type(policy).__name__}.{name}{_names(signature)}"
            raise UsageError(f"{plugin}, hook {hook}: found {found}, expected {expected}") from None
        if inspect.isgeneratorfunction(method) and "Iter" not in str(inspect.signature(wanted).return_annotation):
            raise UsageError(f"{plugin}, hook {hook}: found a generator, expected a plain method {expected}")
    if "name" in getattr(interface, "__annotations__", {}) and not isinstance(getattr(policy, "name", None), str):
        try:
            policy.name = plugin.name  # type: ignore[attr-defined]  # an object without a name goes by its plugin's
        except AttributeError:
            raise UsageError(f"{plugin}, hook {hook}: found no attribute `name`, expected a str") from None


def _shape(wanted: Callable[..., Any]) -> str:
    signature = inspect.signature(wanted)
    return _names(signature.replace(parameters=list(signature.parameters.values())[1:]))


def _names(signature: inspect.Signature) -> str:
    return f"({', '.join(str(p.replace(annotation=p.empty)) for p in signature.parameters.values())})"
