"""The native parts of class statements and class bodies."""

from __future__ import annotations

from types import CellType
from typing import Any


def most_derived(meta: type, bases: tuple[Any, ...]) -> type:
    """The metaclass that all bases' metaclasses agree with."""
    winner = meta
    for base in bases:
        kind = type(base)
        if issubclass(winner, kind):
            continue
        if not issubclass(kind, winner):
            raise TypeError(
                "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the "
                "metaclasses of all its bases"
            )
        winner = kind
    return winner


def check_namespace(meta: Any, namespace: object) -> None:
    """__prepare__ must give a mapping."""
    if not hasattr(type(namespace), "__getitem__"):
        name = meta.__name__ if isinstance(meta, type) else "<metaclass>"
        raise TypeError(f"{name}.__prepare__() must return a mapping, not {type(namespace).__name__}")


def check_class_cell(cell: CellType | None, cls: object) -> None:
    """The metaclass must have passed __classcell__ on to type.__new__."""
    if cell is None or not isinstance(cls, type):
        return
    try:
        found = cell.cell_contents
    except ValueError:
        raise RuntimeError(
            f"__class__ not set defining {cls.__name__!r} as {cls!r}. Was __classcell__ propagated to type.__new__?"
        ) from None
    if found is not cls:
        raise TypeError(f"__class__ set to {found!r} defining {cls.__name__!r} as {cls!r}")


def check_init(result: object) -> None:
    """__init__ must return None."""
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")


def has_name(namespace: Any, name: str) -> bool:
    """`$has`: whether a class body's namespace has a name (a mapping may make it up when it is asked)."""
    if type(namespace) is dict:
        return name in namespace
    try:
        namespace[name]
    except KeyError:
        return False
    return True


def cell_value(cell: CellType, name: str) -> Any:
    """`$cell`: a local that closures share, in the resume form."""
    try:
        return cell.cell_contents
    except ValueError:
        message = f"cannot access local variable {name!r} where it is not associated with a value"
        raise UnboundLocalError(message) from None


def class_set(namespace: Any, name: str, value: Any) -> Any:
    """`$cs`: bind a name there, as an expression."""
    namespace[name] = value
    return value


def class_delete(namespace: Any, name: str) -> None:
    """`$cd`: `del name` in a class body."""
    try:
        del namespace[name]
    except KeyError:
        raise NameError(f"name {name!r} is not defined", name=name) from None


def global_load(globals_: dict[str, Any], name: str) -> Any:
    """`$gl`: a global or built-in name, whatever else the name means here."""
    if name in globals_:
        return globals_[name]
    own = globals_["__builtins__"]
    own = own if isinstance(own, dict) else vars(own)
    if name in own:
        return own[name]
    raise NameError(f"name {name!r} is not defined", name=name)


def make_annotations(namespace: Any) -> None:
    """`$notes`: a module or class body that annotates begins with an empty __annotations__."""
    if "__annotations__" not in namespace:
        namespace["__annotations__"] = {}
