"""Native iterators, half used: the copy stands where the original stood.

Pickle's own way calls iter() on the container while it is read. That is too early (a list's items come later, and
an iterator that is put behind the end of its list begins anew) and too much (a guest's class may have an `__iter__`,
which must not run again). So sequences are iterated by their built-in type's own methods, and places are set when
everything is loaded. A dict's iterator, which can only be made when the dict is complete, is made then, inside an
`Entries`; a set may come back in another order, so a `Members` holds what was left of it.
"""

from __future__ import annotations

import gc
import itertools
import operator
import sys
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from kos.runtime.freeze import atend, static

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

# --- sequences -----------------------------------------------------------------------------

_SEQUENCES: dict[type, Any] = {
    type(iter(cast(Any, empty))): kind.__iter__
    for empty, kind in (([], list), ((), tuple), ("", str), ("\xe9\u1234", str), (b"", bytes), (bytearray(), bytearray))
}
_SEQUENCES[type(reversed([]))] = list.__reversed__


def reduce_sequence(freezer: Freezer, one: Any) -> Reduced:
    """An iterator over a list, str or the like: what it is over, and its place there."""
    made = one.__reduce__()
    if len(made) < 3:
        return made  # at its end
    _, (under,), place = made
    return (_SEQUENCES[type(one)], (under,), place, None, None, set_place)


def set_place(one: Any, place: int) -> None:
    """Not beyond the end of what it is over: so not before that is there."""
    atend.call(one.__setstate__, place)


def reduce_deque(freezer: Freezer, one: Any) -> Reduced:
    """An iterator over a deque cannot outlive a change of it, so it is made when all is there."""
    _, (under, place) = one.__reduce__()
    return (Entries, (), (under, _DEQUES.index(type(one)), place), None, None, set_deque)


def set_deque(one: Entries, state: tuple[Any, int, int]) -> None:
    """When the deque is complete."""
    atend.call(_set_deque, one, *state)


def _set_deque(one: Entries, under: Any, which: int, place: int) -> None:
    one.iterator = _DEQUES[which](under, place)


# --- dicts and sets ------------------------------------------------------------------------

_DICTS: dict[type, tuple[str, bool]] = {}
for _view in ("keys", "values", "items"):
    _DICTS[type(iter(getattr({}, _view)()))] = (_view, False)
    _DICTS[type(reversed(getattr({}, _view)()))] = (_view, True)


class Entries:
    """A dict's (or deque's) iterator that was copied."""

    __slots__ = ("iterator",)

    def __init__(self) -> None:
        self.iterator: Iterator[Any] = iter(())

    def __iter__(self) -> Entries:
        return self

    def __next__(self) -> Any:
        return next(self.iterator)

    def __length_hint__(self) -> int:
        return operator.length_hint(self.iterator)


def reduce_dict_iterator(freezer: Freezer, one: Any) -> Reduced:
    """The dict, how many entries are behind it, and whether the dict has changed its size meanwhile."""
    under = next((held for held in gc.get_referents(one) if isinstance(held, dict)), None)
    if under is None:
        return (Entries, ())  # at its end
    left = operator.length_hint(one)
    changed = False
    if not left:
        try:
            one.__reduce__()  # goes through a copy
        except RuntimeError:
            changed = True
    return (Entries, (), (under, *_DICTS[type(one)], dict.__len__(under) - left, changed), None, None, set_entries)


def set_entries(one: Entries, state: tuple[Any, ...]) -> None:
    """When the dict is complete."""
    atend.call(_set_entries, one, *state)


def _set_entries(one: Entries, under: dict[Any, Any], view: str, back: bool, behind: int, changed: bool) -> None:
    odd = object()
    if changed:
        dict.__setitem__(under, odd, None)
    entries = getattr(OrderedDict if isinstance(under, OrderedDict) else dict, view)(under)
    one.iterator = reversed(entries) if back else iter(entries)
    if changed:
        dict.__delitem__(under, odd)  # the next step will say that the size is another
    else:
        next(itertools.islice(one.iterator, behind, behind), None)


_ORDERED: type = type(iter(OrderedDict()))


class Changed:
    """An iterator that has met a change of what it is over."""

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message

    def __iter__(self) -> Changed:
        return self

    def __next__(self) -> Any:
        raise RuntimeError(self.message)


def reduce_changed(freezer: Freezer, one: Changed) -> Reduced:
    return (Changed, (one.message,))


def reduce_ordered(freezer: Freezer, one: Any) -> Reduced:
    """An OrderedDict's iterator tells what is left; what it gives of an entry is seen from that."""
    try:
        left = one.__reduce__()[1][0]
    except RuntimeError as error:
        return (Changed, (str(error),))
    under = next((held for held in gc.get_referents(one) if isinstance(held, OrderedDict)), None)
    if under is None or not left:
        return (Entries, ())
    behind = dict.__len__(under) - len(left)
    for view, back in itertools.product(("keys", "values", "items"), (False, True)):
        every = getattr(OrderedDict, view)(under)
        rest = list(itertools.islice(reversed(every) if back else iter(every), behind, None))
        if all(one is other or (view == "items" and one == other) for one, other in zip(rest, left, strict=True)):
            return (Entries, (), (under, view, back, behind, False), None, None, set_entries)
    return (iter, (left,))  # its values are others by now


def reduce_entries(freezer: Freezer, one: Entries) -> Reduced:
    """What is inside, once more."""
    inside = one.iterator
    kind = type(inside)
    if kind in _DICTS:
        return reduce_dict_iterator(freezer, inside)
    if kind is _ORDERED:
        return reduce_ordered(freezer, inside)
    return reduce_deque(freezer, inside) if kind in _DEQUES else (Entries, ())


class Members:
    """What was left of a set when its iterator was copied."""

    __slots__ = ("left", "size", "under")

    def __init__(self, under: Any, size: int, left: list[Any]) -> None:
        self.under, self.size, self.left = under, size, left  #: left: the next one last

    def __iter__(self) -> Members:
        return self

    def __next__(self) -> Any:
        if set_size(self.under) != self.size:
            self.size = -1  # for ever
            raise RuntimeError("Set changed size during iteration")
        if not self.left:
            self.under, self.size = frozenset(), 0
            raise StopIteration
        return self.left.pop()

    def __length_hint__(self) -> int:
        return len(self.left)


def set_size(one: Any) -> int:
    return frozenset.__len__(one) if isinstance(one, frozenset) else set.__len__(one)


def reduce_set_iterator(freezer: Freezer, one: Any) -> Reduced:
    """The set, and what of it is left."""
    under = next((held for held in gc.get_referents(one) if isinstance(held, (set, frozenset))), None)
    if under is None:
        return (Members, (frozenset(), 0, []))
    try:
        left = one.__reduce__()[1][0]
    except RuntimeError:
        return (Members, (under, -1, []))
    left.reverse()
    return (Members, (under, set_size(under), left))


def reduce_members(freezer: Freezer, one: Members) -> Reduced:
    """The same again."""
    return (Members, (one.under, one.size, one.left))


# --- reversed() of what has a length and items ---------------------------------------------


class Backwards:
    """reversed() of a guest's sequence, copied. The built-in one asks for the length when it is made: too early."""

    __slots__ = ("place", "under")

    def __init__(self) -> None:
        self.under: Any = ()
        self.place = -1  #: of the next item

    def __iter__(self) -> Backwards:
        return self

    def __next__(self) -> Any:
        if self.place >= 0:
            try:
                item = self.under[self.place]
            except (IndexError, StopIteration):
                pass
            else:
                self.place -= 1
                return item
        self.under, self.place = (), -1
        raise StopIteration

    def __length_hint__(self) -> int:
        return self.place + 1 if self.place < len(self.under) else 0

    def __setstate__(self, place: int) -> None:
        self.place = max(-1, min(place, len(self.under) - 1))


def reduce_reversed(freezer: Freezer, one: Any) -> Reduced:
    """What it goes through, and its place there; of built-in types, which are whole, as pickle does it."""
    made = one.__reduce__()
    if len(made) < 3 or not type(made[1][0]).__flags__ & (1 << 9):
        return made
    return (Backwards, (), (made[1][0], made[2]), None, None, set_backwards)


def reduce_backwards(freezer: Freezer, one: Backwards) -> Reduced:
    """The same again."""
    return (Backwards, (), (one.under, one.place), None, None, set_backwards)


def set_backwards(one: Backwards, state: tuple[Any, int]) -> None:
    one.under, one.place = state


# --- iterators over iterators --------------------------------------------------------------


class Given:
    """An iterator on its way into enumerate, zip and the like: they call `__iter__`, a guest's must not run again."""

    __slots__ = ("iterator",)

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator

    def __iter__(self) -> Any:
        return self.iterator


def reduce_over(freezer: Freezer, one: Any) -> Reduced:
    """A native iterator over iterators that may be the guest's."""
    make, args, *rest = one.__reduce__()
    return (make, tuple([_given(arg) for arg in args]), *rest)


def _given(arg: Any) -> Any:
    kind = type(arg)
    return Given(arg) if kind.__flags__ & (1 << 9) and hasattr(kind, "__next__") else arg


def reduce_given(freezer: Freezer, one: Given) -> Reduced:
    return (Given, (one.iterator,))


def reduce_pairwise(freezer: Freezer, one: Any) -> Reduced:
    inside = [held for held in gc.get_referents(one) if held is not itertools.pairwise]  # from 3.12 on it holds that
    if sys.version_info >= (3, 13):
        inside.pop()  # the tuple that it reuses
    if len(inside) == 2:
        return (pairwise_from, (inside[0], inside[1]))
    return (itertools.pairwise, (Given(inside[0]) if inside else (),))


def pairwise_from(rest: Any, old: Any) -> Any:
    return itertools.pairwise(itertools.chain((old,), Given(rest)))


_OVER = (
    enumerate, zip, map, filter, itertools.accumulate, itertools.compress, itertools.cycle, itertools.dropwhile,
    itertools.filterfalse, itertools.groupby, itertools.islice, itertools.starmap, itertools.takewhile,
    itertools.zip_longest,
)  # fmt: skip
_DEQUES: tuple[Any, ...] = (type(iter(deque())), type(reversed(deque())))

TABLE: dict[type, Any] = {
    **dict.fromkeys(_SEQUENCES, reduce_sequence),
    **dict.fromkeys(_DICTS, reduce_dict_iterator),
    **dict.fromkeys(_DEQUES, reduce_deque),
    **dict.fromkeys(_OVER, reduce_over),
    type(iter(set())): reduce_set_iterator,
    _ORDERED: reduce_ordered,
    Entries: reduce_entries,
    Changed: reduce_changed,
    Members: reduce_members,
    Given: reduce_given,
    Backwards: reduce_backwards,
    reversed: reduce_reversed,
    itertools.pairwise: reduce_pairwise,
}

#: Those whose own __reduce__ is right.
PLAIN = frozenset(
    [type(iter(range(1))), type(iter(range(1 << 70))), type(reversed(cast(Any, ())))]
    + [x for x in vars(itertools).values() if isinstance(x, type) and x is not itertools.pairwise]
    + [enumerate, zip, map, filter]
)

static.register((Entries, Changed, Members, Given, Backwards))
static.register((set_place, set_deque, set_entries, set_backwards, pairwise_from, *_SEQUENCES.values()))
