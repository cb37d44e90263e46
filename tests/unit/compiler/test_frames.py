"""Frames as data: what capture gives, what rebuild makes of it, and what cannot be captured."""

from __future__ import annotations

import contextlib
import errno
import io
from typing import Any

import pytest
from toy import Toy

from kos.compiler import Refused, compile_unit, units
from kos.runtime import hooks
from kos.runtime.frames import CannotCapture, Frame, capture, rebuild
from kos.runtime.functions import code_ref, make_function
from kos.runtime.guestgen import GuestGen
from kos.traps import LANDED, Fork


def start(source: str) -> tuple[Toy, Any, Any]:
    """A program run to its first trap: the toy, its body, the trap."""
    toy = Toy(stress=False)
    body = toy.body(source, "<frames>")
    return toy, body, body.send(None)


def finish(body: Any, answer: Any) -> str:
    """What a suspended program prints from here to its end."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(StopIteration):
        body.send(answer)
    return out.getvalue()


FORKER = """
from kos.runtime.kernelcall import trap
from kos.traps import Fork

def work(items):
    total = 0
    for i in items:
        try:
            total += i
            if i == 2:
                pid = trap(Fork())
                total += pid
        finally:
            total += 100
    return total

print("end", [work([1, 2, 3]), "x"])
"""


def test_frames_name_their_function_and_keep_their_locals() -> None:
    """A captured chain is one frame a function, outermost first, with the locals of each."""
    _, body, trap = start(FORKER)

    frames = capture(body)

    assert isinstance(trap, Fork)
    names = [units.info(f.unit_id, f.index).qualname for f in frames]
    assert names == ["<module>", "work"]
    assert {k: v for k, v in frames[1].locals.items() if k[0] != "$"} == {"items": [1, 2, 3], "total": 103, "i": 2}


def test_two_rebuilt_chains_go_on_from_one_captured_one() -> None:
    """The same frames, rebuilt twice and answered differently, are a parent and a child."""
    _, body, _ = start(FORKER)
    frames = capture(body)
    copies = []
    for _ in range(2):
        mine = [Frame(*f[:3], dict(f.locals), f.cells, f.globals) for f in frames]
        for f in mine:
            for name, value in f.locals.items():
                if type(value).__name__ == "list_iterator":
                    f.locals[name] = iter([3])
        copies.append(rebuild(mine))
    with hooks.dead():
        body.close()

    child, parent = copies
    assert child.send(None) is LANDED
    assert parent.send(None) is LANDED
    assert finish(child, 0) == "end [306, 'x']\n"
    assert finish(parent, 1000) == "end [1306, 'x']\n"


def test_a_thrown_answer_is_raised_at_the_trap() -> None:
    """An exception thrown into a rebuilt chain arrives where the trap stood, handlers and all."""
    _, body, _ = start(
        "from kos.runtime.kernelcall import trap\n"
        "def f():\n"
        "    try:\n"
        "        trap('anything')\n"
        "    except OSError as e:\n"
        "        return e.errno\n"
        "print(f())\n"
    )
    made = rebuild(capture(body))
    made.send(None)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(StopIteration):
        made.throw(OSError(errno.EINTR, "interrupted"))

    assert out.getvalue() == f"{errno.EINTR}\n"


def test_native_generators_cannot_be_captured() -> None:
    """A chain with a native generator in it is refused by that generator's name."""

    def native() -> Any:
        yield 1

    gen = native()
    next(gen)
    with pytest.raises(CannotCapture, match="native"):
        capture(gen)


def test_functions_are_found_and_made_by_reference() -> None:
    """code_ref and make_function are each other's inverse, closures included."""
    toy, body, _ = start(
        "from kos.runtime.kernelcall import trap\n"
        "def outer(x):\n"
        "    def inner(y, z=3, *, k=4) -> int:\n"
        "        return pick(x, y, z, k)\n"
        "    return inner\n"
        "def pick(*a): return a\n"
        "f = outer(1)\n"
        "trap(0)\n"
    )
    f = toy.globals["f"]
    ref = code_ref(f)
    assert ref is not None
    again = make_function(*ref, f.__globals__, f.__defaults__, f.__kwdefaults__, f.__closure__, f.__annotations__)

    assert again(2) == f(2) == (1, 2, 3, 4)
    assert (again.__qualname__, again.__module__) == ("outer.<locals>.inner", "__main__")
    assert code_ref(len) is None
    assert code_ref(start) is None
    body.close()


def test_a_generator_is_its_state() -> None:
    """A suspended generator made from another one's state stands where that one stood."""
    toy, body, _ = start(
        "from kos.runtime.kernelcall import trap\n"
        "def gen(n):\n"
        "    for i in [1, 2, 3]:\n"
        "        yield i * n\n"
        "g = gen(10)\n"
        "first = next(g)\n"
        "fresh = gen(20)\n"
        "trap(0)\n"
    )
    gens = [GuestGen.from_state(toy.globals[name].__kos_state__()) for name in ("g", "fresh")]

    assert [next(gens[0]), next(gens[1])] == [20, 20]
    assert gens[0].__name__ == "gen"
    body.close()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("sorted([2, 1], key=key)", "sorted"),
        ("sum(key(x) for x in [1])", "sum"),
        ("__import__('re').sub('a', key, 'a')", "sub"),
    ],
)
def test_fork_under_c_code_names_the_c_function(call: str, name: str) -> None:
    """A fork in a sort key, or in a generator that C iterates, is refused and says who stands between."""
    toy = Toy(stress=False)
    body = toy.body(
        "from kos.runtime.kernelcall import trap\n"
        "from kos.traps import Fork\n"
        "def key(x):\n"
        "    return trap(Fork())\n"
        "try:\n"
        f"    {call}\n"
        "except OSError as e:\n"
        "    print(e.errno, e.strerror)\n",
        "<fork in key>",
    )
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        toy.drive(body)

    assert out.getvalue() == f"{errno.ENOTSUP} fork: {name}, which is C code, stands between\n"


@pytest.mark.parametrize(("line", "source"), [(1, "async def f(): pass\n"), (2, "x = 1\nasync def g(): pass\n")])
def test_async_is_refused_with_file_and_line(line: int, source: str) -> None:
    """What cannot be a guest is said when it is loaded."""
    with pytest.raises(Refused) as caught:
        compile_unit(source, "prog.py")

    assert (caught.value.filename, caught.value.lineno) == ("prog.py", line)
    assert "async" in str(caught.value)


def test_a_unit_comes_back_from_the_cache_and_from_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that this CPU does not have is compiled, or read from disk, when a frame names it."""
    source = "def f():\n    return g()\n"
    unit = compile_unit(source, "<provided>")
    monkeypatch.setattr(units, "_units", {})
    units.set_provider(lambda unit_id: (source, "<provided>") if unit_id == unit.id else None)
    try:
        again = units.get(unit.id)
        with pytest.raises(KeyError):
            units.get("unknown")
    finally:
        units.set_provider(None)

    assert [info.qualname for info in again.functions] == ["<module>", "f"]
    assert again.functions[1].fast == unit.functions[1].fast
