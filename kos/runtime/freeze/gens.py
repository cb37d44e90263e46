"""Suspended guest code as data: frames and generators, and system call objects by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from kos.runtime import kernelcall, library
from kos.runtime.frames import CannotCapture, Frame
from kos.runtime.freeze import atend, mixins, reference, static
from kos.runtime.guestgen import GuestGen, NativeGen
from kos.runtime.iteration import PENDING
from kos.runtime.kernelcall import KernelCall
from kos.traps import LANDED, RESCHED

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

Wire = tuple[str, int, int, dict[str, Any], dict[str, Any], Any]


def pack(freezer: Freezer, frame: Frame) -> Wire:
    """The frame with its globals as the other end finds them."""
    unit_id, index, point, values, cells, namespace = frame
    return unit_id, index, point, values, cells, name_globals(freezer, namespace)


def name_globals(freezer: Freezer, namespace: dict[str, Any]) -> Any:
    """A module's dict as it is, a shared unit's or a native module's by name."""
    if freezer.is_anchor(namespace):
        return namespace
    name = reference.shared_dict_name(namespace)
    if name is None and (short := library.name_of(namespace)) is not None:
        name = "rtl:" + short
        reference.note_shared(name, namespace)
    if name is not None:
        return "shared", name
    name = reference.native_dict_name(namespace)
    return namespace if name is None else ("native", name)


def find_globals(named: Any) -> dict[str, Any]:
    """What name_globals named."""
    if type(named) is tuple:
        kind, name = named
        return reference.shared_dict(name) if kind == "shared" else reference.native_dict(name)
    return named  # type: ignore[no-any-return]  # a dict, by elimination


def unpack(wire: Wire) -> Frame:
    """The frame that pack() packed."""
    return Frame(*wire[:5], find_globals(wire[5]))


def new_generator() -> GuestGen:
    return GuestGen.__new__(GuestGen)


def reduce_generator(freezer: Freezer, one: GuestGen) -> Reduced:
    """By the generator's own state: its function and its frames."""
    try:
        *fields, frames = one.__kos_state__()
    except CannotCapture as error:
        raise freezer.refuse(one, f"cannot copy a generator at fork: {error}") from None
    packed = None if frames is None else [pack(freezer, frame) for frame in frames]
    freezer.later(set_generator, one, (*fields, packed))
    return (new_generator, ())


def set_generator(one: GuestGen, state: tuple[Any, ...]) -> None:
    """Its frames are rebuilt when all that they hold is there."""
    atend.call(_set_generator, one, state)


def _set_generator(one: GuestGen, state: tuple[Any, ...]) -> None:
    *fields, packed = state
    frames = None if packed is None else [unpack(wire) for wire in packed]
    one.__kos_setstate__((*fields, frames))


#: Modules whose generators are finite and look at nothing that a guest could change or be asked for.
_DRAINABLE = frozenset({"enum", "weakref", "_weakrefset", __name__})


def replay(items: list[Any]) -> Iterator[Any]:
    """What is left of a native generator. The items are those that the other copy has, so they go together."""
    yield from items


def ended() -> Iterator[Any]:
    """A native generator at its end."""
    made = replay([])
    next(made, None)
    return made


def reduce_native_generator(freezer: Freezer, one: NativeGen) -> Reduced:
    """A frame of native code cannot be copied; what a harmless generator has yet to yield can."""
    body = one._body
    left: list[Any] = []
    again = None if body is None or body.gi_frame is None or one._running else mixins.state_of(body)
    if again is not None:
        freezer.later(set_mixin, one, (one.__name__, one.__qualname__, *again))
        return (new_native_generator, ())
    if body is not None and body.gi_frame is not None:
        if one._running or body.gi_frame.f_globals.get("__name__") not in _DRAINABLE:
            raise freezer.refuse(one, f"cannot copy {one.__qualname__}(), a generator of native code, at fork")
        left += body
        one._body = cast(Any, replay(left.copy()))
    freezer.later(set_native_generator, one, (one.__name__, one.__qualname__, left))
    return (new_native_generator, ())


def new_native_generator() -> NativeGen:
    return NativeGen.__new__(NativeGen)


def set_native_generator(one: NativeGen, state: tuple[str, str, list[Any]]) -> None:
    """Its items may still be filled in, but they are all there."""
    one.__init__(cast(Any, replay(state[2])))  # type: ignore[misc]  # it was made empty
    one.__name__, one.__qualname__ = state[:2]


def set_mixin(one: NativeGen, state: tuple[str, str, Any, tuple[Any, ...]]) -> None:
    """It begins where the other one stood."""
    name, qualname, make, args = state
    one.__init__(make(*args))  # type: ignore[misc]  # it was made empty
    one.__name__, one.__qualname__ = name, qualname


def reduce_call(freezer: Freezer, one: KernelCall) -> Reduced:
    """A system call that the static table does not hold belongs to an emulated module."""
    shared = reference.shared_name(one)
    if shared is None:
        raise freezer.refuse(one, f"cannot copy {one!r} at fork: no module holds it")
    return (reference.find_shared, shared)


TABLE: dict[type, Any] = {GuestGen: reduce_generator, NativeGen: reduce_native_generator, KernelCall: reduce_call}
static.register(
    (
        new_generator,
        set_generator,
        new_native_generator,
        set_native_generator,
        set_mixin,
        ended,
        kernelcall.trap,
        GuestGen,
        PENDING,
        LANDED,
        RESCHED,
    )
)
