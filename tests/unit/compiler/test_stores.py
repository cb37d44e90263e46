"""Byte stores in loops: what of the compiled form correctness rests on."""

from __future__ import annotations

import dis

import pytest

from kos.compiler import compile_unit

LOOPS = {
    "constant": "for i in range(9):\n  m[i] = 7",
    "variable": "for i in range(9):\n  m[i] = v",
    "counted again": "for i in range(9):\n  m[i] = 7\n  i = v",
    "expressions": "while v:\n  m[i + v] = v & i",
}
#: Where the interpreter looks whether a signal has come: calls, jumps back, the starts of functions and generators.
STOPS = ("CALL", "PRECALL", "JUMP_BACKWARD", "POP_JUMP_BACKWARD", "RESUME", "SEND", "FOR_ITER", "YIELD")


def forms(body, params="m, i, v"):
    """The fast and the resume form of a function."""
    indented = "\n".join("  " + line for line in body.splitlines())
    unit = compile_unit(f"def f({params}):\n{indented}\n", "<stores>")
    (info,) = [info for info in unit.functions if info.name == "f"]
    return [info.fast, info.resume]


def fast_paths(code):
    """The instructions from each comparison with a window's bounds to the store that follows it."""
    found, path = [], None
    for ins in dis.get_instructions(code):
        if ins.opname.startswith("LOAD_ATTR") and ins.argval == "low":
            path = []
        if path is not None:
            path.append(ins.opname)
            if ins.opname == "STORE_SUBSCR":
                found.append(path)
                path = None
    return found


@pytest.mark.parametrize("form", [0, 1], ids=["fast", "resume"])
@pytest.mark.parametrize("body", LOOPS.values(), ids=LOOPS.keys())
def test_no_signal_handler_can_run_between_the_comparison_and_the_store(body, form):
    paths = fast_paths(forms(body)[form])

    assert len(paths) == 1
    assert [name for name in paths[0] if name.startswith(STOPS)] == []


@pytest.mark.parametrize(
    "body",
    [
        "m[i] = v\nm()",
        "for i in range(9):\n  m[0:i] = v",
        "for i in range(9):\n  m[i], v = 1, 2",
        "for i in range(9):\n  m[i] = [v]",
        "for m in v:\n  m[i] = 1",
        "for i in range(9):\n  m[i] = 1\n  m = v",
        "for i in range(9):\n  m[i] = 1\n  del m",
        "for i in range(9):\n  m[i] = 1\n  with v as m: pass",
        "for i in range(9):\n  m[i] = 1\ng = lambda: m",
        "m = v\nfor i in range(9):\n  m[i] = 1\nlist(m := k for k in v)",
        "global w\nfor i in range(9):\n  w[i] = 1",
    ],
)
def test_other_statements_are_what_they_were(body):
    assert [fast_paths(code) for code in forms(body)] == [[], []]


def test_what_is_asked_is_asked_once_before_the_outermost_loop_that_leaves_it_alone():
    fast, _ = forms("for i in v:\n  for k in v:\n    for j in v:\n      m[j] = 1\n  n = i\n  for k in v:\n    n[0] = 1")
    stored = [ins.argval for ins in dis.get_instructions(fast) if ins.opname.startswith("STORE_FAST")]
    names = [name for at in stored for name in (at if isinstance(at, tuple) else (at,))]  # 3.13 stores two in one
    order = [name for name in names if name.startswith("$q") or name in "ijkn"]

    assert list(dict.fromkeys(order)) == ["$q4", "i", "k", "$q5", "j", "n", "$q7"]
