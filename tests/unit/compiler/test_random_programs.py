"""Random programs of nested control flow, expressions and generators: equal to CPython, also under stress."""

from __future__ import annotations

import random
import sys

import pytest
from test_language import PRELUDE
from toy import check

MANAGER = """
class Manager:
    def __init__(self, swallow): self.swallow = n(swallow)
    def __enter__(self): n('enter'); return self
    def __exit__(self, kind, value, trace):
        n(('exit', kind and kind.__name__)); return self.swallow
def cell(x):
    def get(): return n(x)
    return get
"""


#: Blocks in blocks. Two versions of CPython crash where more than 19 handlers are nested; 3.12.2 does not.
DEEPEST = 5 if sys.version_info[:3] in ((3, 12, 0), (3, 12, 1)) else 6


class Writer:
    """Writes one random function."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: list[str] = []
        self.names = 0
        self.generator = self.rng.random() < 0.4
        self.budget = 40

    def pick(self, *options: str) -> str:
        return self.rng.choice(options)

    def expr(self, depth: int = 0) -> str:
        """A random integer-valued expression."""
        e = lambda: self.expr(depth + 1)  # noqa: E731
        p = self.plain
        if depth > 2:
            return self.pick("a", "b", "1", "n(2)", "n(a)")
        return self.rng.choice(
            [
                lambda: f"n({e()})",
                lambda: f"({e()} + {e()})",
                lambda: f"({e()} if {e()} else {e()})",
                lambda: f"({e()} and {e()} or {e()})",
                lambda: f"int({e()} < {e()} <= {e()})",
                lambda: f"[{e()}, {e()}, {e()}][{e()} % 3]",
                lambda: f"sum([n(q) + {p()} for q in range({p()} % 3) if {p()} >= 0])",
                lambda: f"max(x * {p()} for x in (n(1), {p()}))",
                lambda: f"len([q for i in (1, 2) for q in {{n(i): {p()}, {p()}: i}}])",
                lambda: f"(lambda k={e()}, *r: k + len(r))({e()}, *[{e()}])",
                lambda: f"cell({e()})()",
                lambda: f"(b := {e()})",
                lambda: f"len(f'{{{p()}}}-{{n(3)!r:>4}}')",
                lambda: f"dict(k={e()}, **{{'l': {e()}}})['l']",
                lambda: "((yield n(8)) or 1)" if self.generator and self.rng.random() < 0.5 else "a",
            ]
        )()

    def plain(self) -> str:
        """An expression that may stand in a comprehension or an f-string."""
        return self.pick("n(a)", "b", "(n(1) + a)", "(n(0) or n(b))", "(a if n(b) else n(2))", "n(a) + cell(b)()")

    def block(self, indent: int, loop: bool, size: int = 3) -> None:
        """One to three statements."""
        for _ in range(self.rng.randint(1, size)):
            self.stmt(indent, loop)

    def put(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def stmt(self, indent: int, loop: bool) -> None:
        """One random statement."""
        self.budget -= 1
        kind = self.rng.randint(0, 13 if self.budget > 0 and indent < DEEPEST else 5)
        if kind == 0:
            self.put(indent, f"a = {self.expr()}")
        elif kind == 1:
            self.put(indent, self.pick(f"d[n('k')] = {self.expr()}", f"d['v'] += {self.expr()}", f"a += {self.expr()}"))
        elif kind == 2:
            self.put(indent, f"n({self.expr()})")
        elif kind == 3:
            self.put(indent, self.pick(f"if {self.expr()}: raise ValueError(n('e'))", "[][n(1)]", "n('fine')"))
        elif kind == 4 and loop:
            self.put(indent, f"if {self.expr()} % 2: {self.pick('break', 'continue')}")
        elif kind == 5:
            self.put(indent, f"if {self.expr()} > 3: return {self.expr()}")
        elif kind == 6:
            self.put(indent, f"if {self.expr()}:")
            self.block(indent + 1, loop)
            self.put(indent, "else:")
            self.block(indent + 1, loop)
        elif kind in (7, 8):
            self.names += 1
            head = self.pick(
                f"for i{self.names} in range({self.expr()} % 4):",
                f"for i{self.names}, *w in [(n(1), 2), [n(3)]]:",
                f"for i{self.names} in (n(z) for z in (1, 2)):",
            )
            if self.rng.random() < 0.3:
                self.put(indent, f"w{self.names} = 0")
                self.put(indent, f"while (w{self.names} := w{self.names} + 1) < n(4):")
            else:
                self.put(indent, head)
            self.block(indent + 1, True)
            if self.rng.random() < 0.4:
                self.put(indent, "else:")
                self.block(indent + 1, loop)
        elif kind in (9, 10):
            self.put(indent, "try:")
            self.block(indent + 1, loop)
            kind_of = self.pick("ValueError as err", "(ValueError, IndexError)", "n(IndexError)")
            self.put(indent, f"except {kind_of}:")
            self.block(indent + 1, loop)
            if self.rng.random() < 0.3:
                self.put(indent + 1, "raise")
            if self.rng.random() < 0.4:
                self.put(indent, "else:")
                self.block(indent + 1, loop)
            if self.rng.random() < 0.4:
                self.put(indent, "finally:")
                self.block(indent + 1, loop, 2)
        elif kind == 11:
            self.put(indent, "try:")
            self.block(indent + 1, loop)
            self.put(indent, "finally:")
            self.block(indent + 1, loop)
        elif kind == 12:
            self.put(indent, f"with Manager({self.pick('True', 'False')}) as m, Manager(False):")
            self.block(indent + 1, loop)
        elif kind == 13 and self.generator:
            self.put(indent, self.pick("yield n(a)", "b = yield", "yield from [n(1), n(2)]", "yield from sub()"))
        else:
            self.put(indent, "n('s')")

    def program(self) -> str:
        """The function, and what runs it."""
        self.block(1, False, 5)
        if self.generator:
            self.put(1, "yield n('last')")
        body = "\n".join(self.lines)
        run = """
def run():
    try:
        r = f(1, 2)
        if hasattr(r, 'send'):
            out = []
            for count, item in enumerate(r):
                out.append(item)
                if count > 12: break
            n(out)
            r = f(2, 1)
            out = [next(r), r.send(5)]
            try: out.append(r.throw(ValueError('thrown')))
            except ValueError as e: n(repr(e))
            r.close()
            r = out
        n(('result', r))
    except (ValueError, IndexError, KeyError, UnboundLocalError, StopIteration, RuntimeError, TypeError) as e:
        n((type(e).__name__, str(e), repr(e.__context__)))
    print(log)
run()
"""
        sub = "def sub():\n    x = yield n('s')\n    n(x)\n    return n('sub')\n"
        return f"{PRELUDE}{MANAGER}{sub}def f(a, b):\n    d = {{'v': 1}}\n    m = None\n{body}\n{run}"


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # generators that ignore being closed
def test_a_random_program_does_the_same(seed: int) -> None:
    """Whatever the program, resumable code does what CPython does."""
    check(Writer(seed).program())
