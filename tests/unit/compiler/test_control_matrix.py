"""Every way to leave a try, from every part of it, in and out of loops and functions: exhaustively, against CPython."""

from __future__ import annotations

import itertools
import textwrap

import pytest
from toy import check

PRELUDE = """
log = []
def note(x):
    log.append(x)
    return x
class Manager:
    def __init__(self, swallow): self.swallow = swallow
    def __enter__(self): note("enter"); return self
    def __exit__(self, kind, value, trace):
        note("exit " + (kind.__name__ if kind else "none")); return self.swallow
"""

EXITS = {
    "pass": "note('on')",
    "raise": "raise ValueError(note('raised'))",
    "return": "return note('returned')",
    "break": "note('b'); break",
    "continue": "note('c'); continue",
}

SHAPES = {
    "finally": """
        try:
            note('body')
            {a}
            note('body end')
        finally:
            note('finally')
            {b}
            note('finally end')
    """,
    "except": """
        try:
            note('body')
            {a}
        except ValueError as e:
            note(str(e))
            {b}
            note('handled')
        else:
            note('else')
            {b}
    """,
    "both": """
        try:
            try:
                note('body')
                {a}
            except ValueError as e:
                note('caught')
                {b}
            else:
                note('else')
            finally:
                note('inner')
        finally:
            note('outer')
    """,
    "with": """
        with Manager(swallow=True) as m:
            note('body')
            {a}
        with Manager(swallow=False):
            {b}
    """,
    "nested": """
        for inner in range(note(2)):
            try:
                {a}
            finally:
                note(('inner', inner))
        else:
            note('inner else')
        try:
            note('second')
        finally:
            {b}
    """,
}

LOOPS = {
    "for": "for i in range(note(3)):",
    "while": "while note(len(log)) < 25:",
}


@pytest.mark.parametrize(("loop", "shape"), list(itertools.product(LOOPS, SHAPES)))
def test_leaving_a_try_in_every_way(loop: str, shape: str) -> None:
    """All pairs of ways to leave its two parts do the same as in CPython, and when rebuilt at every step."""
    source = [PRELUDE]
    for number, (a, b) in enumerate(itertools.product(EXITS, EXITS)):
        body = textwrap.dedent(SHAPES[shape]).format(a=EXITS[a], b=EXITS[b])
        source.append(f"def f{number}():\n    note('start')\n    {LOOPS[loop]}\n" + textwrap.indent(body, " " * 8))
        source.append("    else:\n        note('loop else')\n    note('end')\n    return 'fell off'\n")
        source.append(
            f"try:\n    note(f{number}())\nexcept ValueError as e:\n    note(repr(e) + repr(e.__context__))\n"
            f"print({number}, log)\nlog.clear()\n"
        )
    check("\n".join(source))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # generators that ignore being closed
def test_the_same_in_generators() -> None:
    """A generator that yields in each part of a try is finished, closed or thrown into at each of its yields."""
    check(
        PRELUDE
        + textwrap.dedent("""
        def gen():
            for i in range(2):
                try:
                    note(('try', i))
                    yield note('a')
                    yield note('b')
                except ValueError as e:
                    note(repr(e))
                    yield note('handler')
                    note('handled')
                else:
                    yield note('else')
                finally:
                    note('finally')
                    yield note('f')
                    note('finally end')
            return note('value')

        for stop in range(9):
            for how in ('close', 'throw', 'drop', 'run'):
                g = gen()
                try:
                    for n in range(stop):
                        next(g)
                    if how == 'close':
                        note(g.close())
                    elif how == 'throw':
                        note(g.throw(ValueError('thrown')))
                        note(next(g))
                    elif how == 'run':
                        note(list(g))
                except (RuntimeError, ValueError, StopIteration) as e:
                    note(repr(e))
                if how != 'drop':
                    print(stop, how, log)
                log.clear()
        """)
    )
