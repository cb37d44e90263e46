"""What the compiler makes of one source file, and how live objects refer to it.

A `Unit` is one compiled file; its functions are numbered in the order in which the source opens them,
number 0 being the module's body. Every function has up to three code objects:

* **stub**: what the guest's function object carries. True signature, name and docstring. Called by C code
  (a sort key, a special method) it runs the body to its end there and then, through `$enter`.
* **fast**: the body as a generator, as close to the source as can be. Guest calls run this one.
* **resume**: the same body with guards, called with a saved point and saved locals; it skips what has run
  and lands on the `yield` where the frame was captured. Only restored frames run it.

A function without any place to suspend in (no call, no loop, no yield) is **plain**: its stub is the
function itself, and it has no other code.

How a live object maps to its unit, for whoever stores or copies a guest's objects:

* A guest function is a real `types.FunctionType`. The last constant of its code is `("$kos", unit_id, index)`;
  `kos.runtime.functions.code_ref(f)` reads it, `make_function(unit_id, index, globals, ...)` makes such a
  function again. Everything else (defaults, kwdefaults, annotations, __dict__, __name__, __qualname__,
  __module__, closure) is on the function object, as Python has it.
* A closure's cells are real cell objects, shared by everyone who closes over them. `stub.co_freevars` names the
  cells of `f.__closure__`, in order. A running body keeps its cells (its own and those that it got) in
  the hidden local `$cells`, a tuple in the order of `CodeInfo.cellnames`.
* A suspended body is a chain of native generators; `kos.runtime.frames.capture` turns it into `Frame` tuples.
* Hidden locals begin with `$`; they hold operands, iterators and pending exceptions, and are a part of the state.
* Helpers stand in the guest's builtins dict under names that begin with `$`: never store them, call
  `kos.runtime.helpers.install` on the new dict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import CodeType
from typing import Literal

Kind = Literal["module", "function", "generator", "class"]
META = "$kos"


@dataclass(slots=True)
class CodeInfo:
    """One function of a unit."""

    unit_id: str
    index: int
    name: str
    qualname: str
    kind: Kind
    stub: CodeType  #: what the visible function carries; for a plain function the function itself
    fast: CodeType | None  #: None: plain
    resume: CodeType | None  #: None: plain
    cellnames: tuple[str, ...]  #: names of the cells in the local `$cells`, own and free, in order
    argnames: tuple[str, ...]  #: the parameters, `*` and `**` ones included

    @property
    def plain(self) -> bool:
        """Whether calls of it never suspend, so that it runs natively."""
        return self.fast is None

    @property
    def freevars(self) -> tuple[str, ...]:
        """Names of the cells in a function object's `__closure__`."""
        return self.stub.co_freevars


@dataclass(slots=True)
class Unit:
    """One compiled source file."""

    id: str  #: hash of the source, its name, the kind, and the versions of Python and of the compiler
    filename: str
    source: str
    kind: str  #: "guest", what compile() was given: "eval" or "single", or the runtime's library: "rtl"
    functions: list[CodeInfo] = field(default_factory=list)
