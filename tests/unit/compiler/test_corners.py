# ruff: noqa: E501  # the programs are dense on purpose
"""Corners of the language, each with guest calls where CPython has an operation: equal to CPython, also under stress."""

from __future__ import annotations

import textwrap

import pytest
from test_language import PRELUDE
from toy import check

PROGRAMS = {
    "scopes and comprehensions": """
        class A:
            def f(self):
                class B:
                    def g(self): return n(1)
                    v = [n(q) for q in range(2)]
                return B().g(), B.v
        print(A().f())
        x = 5
        class G:
            global x
            x = n(6)
            def m(self): return x
        print(x, G().m(), hasattr(G,'x'))
        def outer():
            v = 1
            class C:
                nonlocal v
                v = n(2)
            return v
        print(outer())
        def gen_in_try():
            for i in range(2):
                try:
                    yield n(i)
                except GeneratorExit:
                    n('exit'); raise
                finally: n('f')
        for q in gen_in_try(): break
        print([[n(a*b) for a in range(2) if n(a)] for b in range(3) if n(b)])
        print({a: [n(b) for b in range(a)] for a in range(3)}, {n(a) for a in 'ab' if a > n('a')})
        print([y for x in range(3) if (y := n(x)) > 0], y)
        class W:
            z = 3
            l = [n(i) for i in range(z)]
            fn = lambda self, k=z: n(k)
        print(W.l, W().fn())
        print(f"{n(1):{n(3)}d}|{n('x')!s:^{n(5)}}|{'nested ' + f'{n(2)}'}|{{}}|{n(1)=}")
        i = n(0)
        a = [0, 0]
        i, a[i] = n(1), n(2)
        print(i, a)
        def default(a=[n(1), n(2)], *, b=n(3)): return a, b
        print(default())
        print((lambda *a, k=n(4), **kw: (a, k, kw))(1, z=2))
        try:
            print([n(1), undefined, n(2)])
        except NameError as e: print(e)
        print(n(3) if n(0) else n(4) if n(1) else n(5))
        print(not (n(1) and n(0)), (n(0) or n(0)) is n(0))
        show()
        t = (n(1), *[n(2), n(3)], *(n(q) for q in range(2)))
        print(t)
        print("%s %s" % (n(1), n(2)), "a" "b".join([n('x'), n('y')]))
        import os.path as p, os
        from os import path as pp, sep
        print(p is pp, p.join(n('a'), n('b')), sep)
        def imp():
            import json, os.path
            from collections import OrderedDict as OD
            return json.dumps(n([1])), os.path.basename(n('/a/b')), OD(a=n(1))
        print(imp())
        def deco_chain(f): return lambda *a: n(('wrapped', f(*a)))
        @deco_chain
        @deco_chain
        def decorated(x): return n(x)
        decorated(3)
        show()
    """,
    "exceptions in each other": """
        def f():
            try:
                return n(1)
            finally:
                try:
                    raise ValueError(n(2))
                except ValueError as e:
                    n(str(e))
        print(f())
        def g():
            while True:
                try:
                    try:
                        n('a')
                        break
                    finally:
                        n('b')
                        if len(log) < 6: continue
                finally:
                    n('c')
                    if len(log) > 12: return n('d')
            return n('e')
        print(g()); show()
        def ctx():
            try:
                try: raise ValueError(n(1))
                finally:
                    n(repr(sys.exc_info()[1]))
                    raise KeyError(n(2))
            except KeyError as e:
                return repr(e.__context__)
        print(ctx())
        def ctx2():
            try: raise ValueError(1)
            except ValueError:
                def inner():
                    n(repr(sys.exc_info()[1]))
                    try: raise KeyError(2)
                    except KeyError as k: n(repr(k.__context__))
                    try: raise
                    except ValueError as v: return repr(v)
                return inner()
        print(ctx2())
        def excgen():
            try: yield n(1)
            except ValueError as e:
                n(repr(sys.exc_info()[1]))
                yield n(2)
                n(repr(sys.exc_info()[1]))
        it = excgen(); next(it); it.throw(ValueError('q'))
        print(sys.exc_info())
        try: raise OSError(n(5))
        except OSError:
            try: next(it)
            except StopIteration: n('stop')
            n(repr(sys.exc_info()[1]))
        def chain():
            try: {}[n('k')]
            except KeyError as e: raise RuntimeError(n('r')) from e
        try: chain()
        except RuntimeError as e: print(repr(e.__cause__), repr(e.__context__), e.__suppress_context__)
        try:
            try: chain()
            except RuntimeError: raise ValueError(n('v')) from None
        except ValueError as e: print(e.__cause__, repr(e.__context__), e.__suppress_context__)
        def loop_exc():
            for i in range(3):
                try:
                    if n(i) == 1: raise ValueError
                except ValueError: continue
                else: n('else')
                n('end')
        loop_exc()
        e = 'kept'
        try: raise ValueError(n(1))
        except ValueError as e: pass
        try: print(e)
        except NameError as x: print(x)
        def nested_exc():
            try: raise KeyError(n(1))
            except KeyError as e1:
                try: raise ValueError(n(2))
                except ValueError as e2:
                    n((repr(e1), repr(e2)))
                    return n('r')
                finally: n('fin')
        print(nested_exc())
        def assertions():
            try: assert n(0) == 1, f"m{n(1)}"
            except AssertionError as a: return str(a)
        print(assertions())
        def tb_lines():
            import traceback
            def thrower():
                n(1)
                raise ValueError
            try:
                thrower()
            except ValueError as e:
                n('h')
                return [l.lineno for l in traceback.extract_tb(e.__traceback__) if 'kos' not in l.filename]
        print(tb_lines())
        class E(Exception):
            def __init__(self, *a): n(a); super().__init__(*a)
        def raise_class():
            try: raise E
            except E as e: n(repr(e))
        raise_class()
        show()
    """,
    "iteration": """
        import itertools, functools
        def src(k):
            for i in range(k): yield n(i)
        print(list(map(n, src(2))), list(filter(n, src(3))), list(zip(src(2), src(3))), list(enumerate(src(2))))
        print(list(itertools.chain(src(2), src(1))), list(itertools.islice(src(5), 2)), sorted(src(3), key=lambda v: -n(v)))
        print(dict((n(k), v) for k, v in zip('ab', src(2))), ''.join(str(n(v)) for v in src(2)))
        g = src(3)
        for a in g:
            for b in g: n((a, b))
        print(next(g, n('d')))
        it = iter(src(2)); print(it is iter(it), next(it), list(it))
        class Tree:
            def __init__(self, v, kids=()): self.v, self.kids = n(v), kids
            def __iter__(self):
                yield self.v
                for kid in self.kids: yield from kid
        print(list(Tree(1, [Tree(2, [Tree(3)]), Tree(4)])), [x for x in Tree(5)])
        class Iter2:
            def __iter__(self): n('I'); return iter([1, 2])
        for x in Iter2(): n(x)
        print([*Iter2()], tuple(Iter2()))
        class Bad:
            def __iter__(self): return n(5)
        try:
            for x in Bad(): pass
        except TypeError as e: print(e)
        try:
            for x in n(5): pass
        except TypeError as e: print(e)
        try: a, b = n((1, 2, 3))
        except ValueError as e: print(e)
        def co():
            total = 0
            while True:
                v = yield total
                if v is None: return n(total)
                total += n(v)
        c = co(); next(c)
        for v in (1, 2): print(c.send(v))
        try: c.send(None)
        except StopIteration as e: print(e.value)
        def wrap():
            r = yield from co()
            yield n(('r', r))
        w = wrap(); next(w); w.send(5); print(w.send(None))
        def closer():
            try: yield n(1)
            finally: n('closing')
        def outer(): yield from closer()
        o = outer(); next(o); o.close()
        o = outer(); next(o); del o
        def ret(): return n(3); yield
        def d2():
            x = yield from ret()
            n(x)
        print(list(d2()))
        gens = [src(2), src(2)]
        while gens:
            for q in list(gens):
                try: n(next(q))
                except StopIteration: gens.remove(q)
        def fibs(a=0, b=1):
            while True:
                yield a
                a, b = b, a + b
        print(list(itertools.takewhile(lambda v: n(v) < 10, fibs())))
        class Ctx:
            def __init__(self): self.items = [n(1), n(2)]
            def __getitem__(self, i): return self.items[n(i)]
            def __len__(self): return n(2)
            def __contains__(self, x): return n(x) == 1
            def __reversed__(self): n('rev'); return iter([9])
        print(list(Ctx()), len(Ctx()), 1 in Ctx(), list(reversed(Ctx())), bool(Ctx()))
        try: src()
        except TypeError as e: print(e)
        print(src(1).__name__, src(1).__qualname__, type(src(1)).__name__)
        import types, inspect, collections.abc
        print(isinstance(src(1), collections.abc.Generator), isinstance(src(1), collections.abc.Iterator))
        print(inspect.signature(src), str(inspect.signature(Tree.__init__)))
        x = [n(v) for v in src(2)] + [v for v in src(1)]
        print(x)
        show()
    """,
}

FUTURE = """
from __future__ import annotations
import dataclasses, typing
def n(x): print(x); return x
@dataclasses.dataclass
class D:
    a: int = n(1)
    b: typing.ClassVar[str] = 'x'
    c: "list" = dataclasses.field(default_factory=list)
def f(a: Undefined, *b: n(1), c: 'q' = n(3), **d: X) -> Y: return n(a)
print(f.__annotations__, D.__annotations__, D(), f(5))
class T:
    def __getitem__(self, i): return n(i)
    def __class_getitem__(cls, i): return n(('cg', i))
    def __matmul__(self, o): return n(('mm', o))
t = T()
t[n(1), *[2, n(3)]]; t[...]; t[n(1):n(2), ::n(3)]; T[int]; t @ n(4)
o = D(); o.a: int = n(7)
(o.c): list = n([1])
x: typing.List[int]
print(o, __annotations__)
def g():
    y: undefined_thing = n(5)
    z: also_undefined
    try: z
    except UnboundLocalError as e: print(e)
    return y
print(g())
lam = lambda: (yield n(1))
print(list(lam()))
try:
    import nonexistent_module_xyz
except ImportError as e: print(type(e).__name__)
def many(a1=n(1), *, k1=n(2), k2, **kw): return a1, k1, k2, kw
print(many(k2=n(3), z=n(4)))
try: many()
except TypeError as e: print(e)
class Prop:
    @property
    def v(self): return n(self._v)
    @v.setter
    def v(self, x): self._v = n(x)
    @v.deleter
    def v(self): n('del')
p = Prop(); p.v = 1; p.v += n(2); del p.v
def outer():
    a = n(1)
    def inner():
        nonlocal a
        for a in range(n(3)): pass
        with open('/dev/null') as a: n(a.name)
        import os as a
        def a(): return n('fn')
        class a: q = n(1)
        try: raise ValueError(n(1))
        except ValueError as a: n(repr(a))
        try: a
        except NameError as e: print(e)
        a = n(2)
        del a
    inner()
    try: a
    except NameError as e: print(type(e).__name__, e)
outer()
print([*map(n, [1, 2])], {**dict(a=n(1))}, *(n(q) for q in (1,)))
if (m := n(3)) and (k := n(m)): print(m, k)
while (c := n(m)) > 1: m -= 1
assert (n(1), n(2))
print(type(n) is type(lambda: 0), n.__code__.co_argcount, n.__code__.co_varnames)
def doc():
    "the doc"
    return n(1)
print(doc.__doc__, doc.__code__.co_name, doc.__code__.co_firstlineno, f.__code__.co_firstlineno)
def flow():
    for a in (1, 2, 3):
        for b in (1, 2, 3):
            if n(b) == 2: break
        else: continue
        try:
            if a == 2: return n('ret')
        finally:
            if a == 1: continue
            n('final')
print(flow())
print(sorted([3, 1, 2], key=lambda v: n(-v)), max([1, 2], key=n), [].__len__(), (5).__add__(n(1)))
print(n.__call__(3), T.__call__().__class__.__name__, type.__call__(T).__class__.__name__)
import functools
class M:
    @functools.singledispatchmethod
    def s(self, x): return n('base')
    @s.register
    def _(self, x: int): return n('int')
    @functools.cache
    def cc(self): return n('cc')
print(functools.partial(n, 5)(), functools.partial(functools.partial(many, n(1)), k2=n(2))(k1=3))
print(getattr(p, n('zz'), n('default')), vars(p), isinstance(p, (n(Prop), int)))
print("{} {a}".format(n(1), a=n(2)), f"{n('x'):>{n(4)}}", f"{(lambda: n(3))()}")
"""

PROTOCOLS = """
import gc, weakref
def n(x): print(x); return x
# signal-like: exceptions thrown at odd places, generator reentrancy, deep with nests
class M:
    def __init__(self, k): self.k = k
    def __enter__(self): n(self.k)
    def __exit__(self, *a): n(-self.k)
with M(1), M(2), M(3), M(4), M(5), M(6), M(7):
    n('seven')
def stop_in_with():
    def s(): n(1); raise StopIteration(4)
    class C:
        def __enter__(self): return n('e')
        def __exit__(self, k, v, t): n((k, v)); return True
    with C(): s()
    try:
        with M(1): s()
    except StopIteration as e: n(e.value)
    try:
        try: s()
        finally: n('f')
    except Exception as e: n(repr(e))
    for x in iter(lambda: n(5), 5): pass
    try: next(iter([]))
    except StopIteration: n('si')
stop_in_with()
class It:
    def __init__(self): self.v = 0
    def __iter__(self): return self
    def __next__(self):
        self.v += 1
        if self.v > 2: return self.end()
        return n(self.v)
    def end(self): n('end'); raise StopIteration
for x in It(): n(x)
print(list(It()), [y for y in It()], next(It()))
def gen():
    try:
        x = yield n(1)
        while True: x = yield n(x)
    except GeneratorExit:
        n('ge'); return
    finally: n('fin')
g = gen(); next(g); g.send(2); g.close()
def deleg():
    try: yield from gen()
    except GeneratorExit: n('outer ge'); raise
g = deleg(); next(g); g.close()
g = deleg(); next(g)
try: g.throw(GeneratorExit('x'))
except GeneratorExit as e: n(repr(e))
class R:
    pass
def cyc():
    r = R(); w = weakref.ref(r)
    def f(): return n(r)
    try: raise ValueError(n(1))
    except ValueError as e: r.e = 1
    del f, r
    return w() is None
print(cyc())
def finally_return_in_loop():
    while True:
        try: return n('a')
        finally:
            for i in range(2):
                if n(i): break
print(finally_return_in_loop())
def gen_return_value():
    try: return n('v')
    finally: yield n('in finally')
def user(): return (yield from gen_return_value())
u = user(); next(u)
try: next(u)
except StopIteration as e: print(e.value)
import operator, collections
print(sorted([3, 1], key=operator.neg), collections.Counter(n(c) for c in 'aab'))
d = collections.defaultdict(lambda: n('made')); d[1]
class Desc:
    def __get__(self, o, t): n('get'); return lambda v: n(v)
class H:
    f = Desc()
    def __getattribute__(self, k): n(k); return object.__getattribute__(self, k)
H().f(3)
class Num:
    def __init__(self, v): self.v = n(v)
    def __add__(self, o): return Num(self.v + o.v)
    def __iadd__(self, o): self.v += n(o); return self
    def __bool__(self): return bool(n(self.v))
    def __index__(self): return n(self.v)
    def __eq__(self, o): return n(self.v) == o
    def __hash__(self): return n(hash(self.v))
    def __format__(self, s): return n(s)
    def __lt__(self, o): return n(self.v) < n(o.v)
a = Num(1) + Num(2); a += 4; print(a.v, [0, 1, 2, 3, 4, 5, 6, 7][a], {a: 1}[a], a == 7, f'{a:xx}', Num(1) < Num(2) < Num(3))
if a and not Num(0): n('truth')
while Num(0) or Num(0): pass
def ex():
    try: 1 / n(0)
    except ZeroDivisionError:
        try: {}[n(1)]
        except KeyError as e: return repr(e.__context__)
print(ex())
"""


@pytest.mark.parametrize("area", PROGRAMS)
def test_corner(area: str) -> None:
    """These programs print the same as in CPython."""
    check(PRELUDE + textwrap.dedent(PROGRAMS[area]))


@pytest.mark.filterwarnings("ignore:assertion is always true")
def test_declarations_of_every_kind() -> None:
    """Annotations as text, parameters, properties, nonlocal names bound by every statement, partials, formats."""
    check(FUTURE)


def test_protocols_with_calls_in_them() -> None:
    """Special methods, StopIteration on its way, generators closed through one another."""
    check(PROTOCOLS)


def test_deep_nests_of_blocks() -> None:
    """A statement costs few native blocks, of which CPython nests twenty."""
    check(
        """
def n(x): return x
def f():
    for a in range(n(1)):
        try:
            with open('/dev/null') as h:
                for b in range(n(1)):
                    try:
                        while n(True):
                            try:
                                with open('/dev/null') as g:
                                    try: n(1); raise ValueError
                                    except Exception as e: print(n(repr(e)))
                                break
                            finally: n(2)
                    except Exception: n(3)
                    finally: n(4)
        except Exception as e: n(5)
        finally: print(n(6))
f()
"""
    )
