# ruff: noqa: E501  # the programs are dense on purpose
"""The language, area by area: a program prints the same under CPython and as resumable code, rebuilt at every step."""

from __future__ import annotations

import textwrap

import pytest
from toy import check

PRELUDE = """
log = []
def n(x):
    log.append(x)
    return x
def show():
    print(log); log.clear()
"""

PROGRAMS = {
    "evaluation order": """
        def f(*a, **k): return a, k
        print(n(1) + n(2) * n(3), (n(4), [n(5)], {n(6)}, {n(7): n(8), **{n(9): n(10)}}))
        print(f(n(1), *[n(2), n(3)], n(4), *(n(5),), a=n(6), **{'b': n(7)}, c=n(8)))
        d = {}
        d[n('k')], d[n('l')] = n('v'), n('w')
        d[n('k')] += n('x')
        d[n('m')] = d[n('q')] = n('z')
        x = [0, 1, 2, 3]
        x[n(1):n(3)] = [n(9)]
        x[n(0)] **= n(2)
        print(x[n(0):], x[:n(1)], x[n(0):n(2):n(1)], d)
        show()
        print(n(1) if n(0) else n(2), n(0) or n(3) and n(4), not n(1), -n(5), n(1) < n(2) < n(0) < n(9), n(3) in [n(3)])
        print(f"{n(1)}{n('a')!r:>{n(5)}}{n(2.5):.{n(2)}f}|{n('x')}" "tail")
        show()
        a = b = n(3)
        a += n(a)
        (c, (e, *g)), h = (n(1), n([2, 3, 4])), n(5)
        print(a, b, c, e, g, h)
        print(*[n(1), n(2)], sep=n('-'))
        lst = [n(1), *[n(2)], n(3)]
        print(lst, {**{'a': n(1)}, 'b': n(2), **{'c': n(3)}})
        show()
        def shadow(x):
            y = x + (x := n(10)) + x
            return y
        print(shadow(1))
        s = 'a'
        def change():
            global s
            s = 'b'
            return s
        print(s + change() + s, [s, change()])
    """,
    "exceptions": """
        import sys
        def bad(x): raise KeyError(x)
        def outer():
            try:
                bad(1)
            except KeyError as e:
                n(repr(e))
                try:
                    bad(2)
                except KeyError as f:
                    n((repr(f), repr(f.__context__), sys.exc_info()[1] is f))
                n(sys.exc_info()[1] is e)
                try:
                    raise ValueError(n('x')) from e
                except ValueError as v:
                    n((v.__cause__ is e, v.__context__ is e))
                raise
            finally:
                n('fin')
        try: outer()
        except LookupError as e: n(e.__context__)
        print(sys.exc_info())
        try: e
        except NameError as ne: n(str(ne))
        def kinds():
            n('kinds'); return (ValueError, KeyError)
        try: bad(3)
        except n(TypeError): n('no')
        except kinds() as k: n(repr(k))
        try:
            try: bad(4)
            except n(OSError): pass
        except KeyError: n('through')
        def stop():
            n('stopping')
            raise StopIteration(n(7))
        def passes(): return stop()
        try: passes()
        except StopIteration as s: n((s.value, repr(s.__context__)))
        try: passes()
        except Exception as s: n(type(s))
        def reraise():
            try: passes()
            except ValueError: pass
            finally: n('f')
        try: reraise()
        except StopIteration: n('stop')
        def g():
            yield n(1)
            stop()
        try: print(list(g()))
        except RuntimeError as r: n((str(r), type(r.__cause__)))
        try:
            for x in g(): n(('x', x))
        except RuntimeError as r: n((str(r), type(r.__cause__)))
        try: assert n(0), n('message')
        except AssertionError as a: n(a.args)
        assert n(1), bad(5)
        def nested():
            try: bad(1)
            except KeyError:
                try: n('in')
                finally: n('out')
                try: raise
                except KeyError as e2: n(repr(e2))
                raise
        try: nested()
        except KeyError: n('end')
        class E(Exception):
            def __init__(self, a):
                super().__init__(n(a)); self.a = a
            def __str__(self): return 'E' + str(n(self.a))
        try: raise E(5)
        except E as e: print(e)
        try: raise E
        except TypeError as e: print(e)
        show()
        def ret():
            try: return n('r')
            finally: n('after')
        def override():
            for i in range(3):
                try: bad(i)
                finally:
                    n(i)
                    if i == 1: return n('swallowed')
                    continue
        print(ret(), override())
        show()
        try:
            with n(open)('/nonexistent/x') as f: n('never')
        except FileNotFoundError as e: n(e.errno)
        try:
            with n(5): pass
        except TypeError as e: n(str(e))
        show()
    """,
    "tracebacks": """
        import traceback, sys
        def a(x):
            return (b(x) +
                    1)
        def b(x):
            for i in range(3):
                if i == x:
                    c()
            return 0
        def c():
            try:
                n('try')
                {}['missing']
            finally:
                n('cleanup')
        class K:
            def __init__(self): a(1)
        def g():
            yield n(1)
            a(2)
        def where(f):
            try: f()
            except Exception as e:
                rows = traceback.extract_tb(e.__traceback__)
                rows = [r for r in rows if 'kos/runtime' not in r.filename and 'toy' not in r.filename]
                # as kos.runtime.tracebacks_ does: from 3.12 on comprehensions have no frames
                print([(r.name, r.lineno, r.line) for r in rows if r.name != '<listcomp>' or sys.version_info < (3, 12)])
        where(lambda: a(1)); where(K); where(lambda: list(g())); where(lambda: [a(q) for q in (5, 2)])
        def again():
            try: a(0)
            except KeyError:
                n('handling')
                raise
        where(again)
    """,
    "generators": """
        def count(k):
            try:
                while True:
                    got = yield n(k)
                    if got is not None: k = got
                    else: k += 1
            except ValueError as e:
                n(str(e))
                yield n('caught')
            finally:
                n('closed')
        g = count(1)
        print(next(g), g.send(None), g.send(10), next(g), g.throw(ValueError('boom')))
        print(list(g), next(g, 'default'))
        try: next(g)
        except StopIteration as e: n(e.value)
        try: g.send(1)
        except StopIteration as e: n(e.value)
        g = count(5)
        try: g.send(3)
        except TypeError as e: n(str(e))
        print(next(g)); g.close(); g.close()
        def sub():
            x = yield n('s1')
            n(('sub got', x))
            try: y = yield n('s2')
            except KeyError as e: y = repr(e)
            return n(('sub done', y))
        def outer():
            r = yield from sub()
            n(r)
            r = yield from [n(1), 2]
            n(r)
            r = yield from iter(sub())
            return n('outer')
        g = outer()
        print(next(g), g.send('hello'), g.throw(KeyError('k')), next(g), next(g), next(g))
        try: next(g)
        except StopIteration as e: n(e.value)
        g = outer(); next(g); g.close()
        g = outer(); next(g)
        try: g.throw(LookupError('l'))
        except LookupError as e: n(repr(e))
        class It:
            def __init__(self, k): self.k = k
            def __iter__(self): n('iter'); return self
            def __next__(self):
                if n(self.k) == 0: raise StopIteration
                self.k -= 1
                return self.k
        def deleg(): yield from It(2)
        print(list(deleg()), [x for x in It(2)], *It(1), next(It(3)), next(It(0), 'none'))
        for x in It(2):
            for y in count(x):
                if y > 2: break
            else: n('never')
        else: n('loop else')
        show()
        gen = (n(x) * y for x in count(1) for y in [n(1), n(2)] if n(x) < 5)
        print(next(gen), next(gen), next(gen)); gen.close()
        print(sum(n(x) for x in range(4)), any(x > 1 for x in range(3)), max((n(i) for i in [3, 1]), default=0))
        def infinite():
            while True: yield
        it = infinite(); next(it); del it
        def recursive(k):
            if k:
                yield n(k)
                yield from recursive(k - 1)
                yield -k
        print(list(recursive(3)))
        print([*recursive(2)], tuple(recursive(1)), dict(zip(recursive(2), 'abcd')))
        a, b, *c = recursive(2)
        print(a, b, c)
        def reenter():
            try: next(me)
            except ValueError as e: n(str(e))
            yield 1
        me = reenter(); next(me)
        def ret_only():
            return n(5)
            yield
        print(list(ret_only()))
        def lam(): return (lambda: (yield n(1)))
        print(list(lam()()))
        def fin():
            try:
                yield 1
            finally:
                n('fin')
                yield n(2)
        print(list(fin()))
        show()
        def early():
            for x in count(0):
                for y in count(x):
                    return n(x)
        early(); show()
    """,
    "classes": """
        class Meta(type):
            @classmethod
            def __prepare__(m, name, bases, **kw): n(('prepare', name, kw)); return {'made': 'here'}
            def __new__(m, name, bases, ns, **kw):
                n(('new', name, sorted(k for k in ns if not k.startswith('__'))))
                return super().__new__(m, name, bases, ns)
            def __init__(cls, name, bases, ns, **kw): n('init'); super().__init__(name, bases, ns)
            def __call__(cls, *a, **k): n(('call', a)); return super().__call__(*a, **k)
        class A(metaclass=Meta, opt=n(1)):
            x = n(2)
            y = [n(i) for i in range(x)]
            z = {q: q for q in y}
            def f(self, v=n(x)): return n(self.x + v)
            def __init__(self, *a): n(('A', a, __class__.__name__))
            g = property(lambda self: n('prop'))
        print(A(5).f(), A(6).g, A.made, A.y, A.z)
        show()
        class Base:
            def __init_subclass__(cls, **kw): n(('sub', cls.__name__, kw)); super().__init_subclass__()
            def __new__(cls, *a, **k): n(('new', a)); return super().__new__(cls)
            def __init__(self, v): n(('init', v)); self.v = v
            def __repr__(self): return f'{type(self).__name__}({n(self.v)})'
        class D(Base, tag=n('t')):
            class Inner:
                w = n('inner')
                def m(self): return __class__
            def __init__(self, v): super().__init__(n(v) + 1)
            @n(staticmethod)
            def s(): return n('s')
            @classmethod
            def c(cls): return n(cls.__name__)
            @property
            def p(self): return n(self.v)
            @p.setter
            def p(self, v): self.v = n(v)
        d = D(3); d.p = 9
        print(d, D.s(), d.c(), d.p, D.Inner().m(), D.__qualname__, D.Inner.m.__qualname__, D.__init__.__qualname__)
        show()
        x = 'global'
        def scope():
            x = 'local'
            class C:
                print(x)
                y = x
                def m(self): return x
                z = [x for _ in range(1)]
            class E:
                x = n('class')
                y = x
                z = [n(x) for _ in range(1)]
                def m(self): return n(x)
                w = lambda self: x
            return C().m(), C.y, C.z, E.y, E.z, E().m(), E().w()
        print(scope())
        def order():
            x = 'function'
            class F:
                try: print(x)
                except NameError as e: print(e)
                x = n('set')
                del x
                try: print(x)
                except NameError as e: print(e)
                def reads(self): return x
            return F().reads()
        print(order())
        class P:
            __secret = n(1)
            def __hidden(self): return n(self.__secret)
            def get(self, __arg=2): __local = __arg; return self.__hidden() + __local
            for __i in range(2): n(__i)
        print(P().get(), sorted(k for k in vars(P) if 'P' in k))
        def deco(tag):
            n(('deco', tag))
            def wrap(f):
                n(('wrap', tag)); f.tags = getattr(f, 'tags', []) + [tag]; return f
            return wrap
        @deco(1)
        @deco(2)
        class G(n(object)):
            'doc'
            @deco(3)
            @deco(4)
            def f(self, a: n(int) = n(1), *, b: str = 'b') -> n('ret'): 'fdoc'; return n(a)
            attr: n(int) = n(5)
            bare: n('ann')
        print(G.tags, G.f.tags, G.__doc__, G.f.__doc__, G.f.__annotations__, G.__annotations__, G().f(), G.f.__kwdefaults__)
        show()
        import enum, dataclasses, abc, typing, functools, collections
        class Color(enum.Enum):
            RED = n(1)
            GREEN = enum.auto()
            def nice(self): return n(self.name)
        print(Color.RED.nice(), Color(2), list(Color))
        @dataclasses.dataclass
        class Point:
            x: int
            y: int = n(7)
            tags: list = dataclasses.field(default_factory=list)
            def norm(self): return n(self.x) + self.y
            def __post_init__(self): n('post')
        print(Point(1), Point(1).norm(), Point(1) == Point(1))
        class Abs(abc.ABC):
            @abc.abstractmethod
            def f(self): ...
        try: Abs()
        except TypeError as e: print('abstract')
        class NT(typing.NamedTuple):
            a: int
            b: str = 'b'
            def both(self): return n(self.a), self.b
        print(NT(1).both(), NT(2))
        class Cached:
            @functools.cached_property
            def v(self): return n('computed')
            @functools.lru_cache
            def w(self): return n('w')
        c = Cached(); print(c.v, c.v, c.w(), c.w())
        class Slots:
            __slots__ = ('a', 'b')
            def __init__(self): self.a = n(1)
        print(Slots().a)
        class CallMe:
            def __call__(self, x): return n(x)
            def __getattr__(self, name): return n(name)
            def __setattr__(self, name, v): n((name, v))
        CallMe()(3); CallMe().q; CallMe().r = 4
        class Desc:
            def __set_name__(self, owner, name): n(('set_name', name))
            def __get__(self, obj, owner): return n('get')
            def __set__(self, obj, v): n(('set', v))
        class HasDesc: d = Desc()
        HasDesc().d; HasDesc().d = 5
        T = type('T', (Base,), {'k': n(1)}); T(2)
        class Sub(collections.OrderedDict):
            def __setitem__(self, k, v): super().__setitem__(n(k), v)
        print(Sub(a=1))
        class G2(typing.Generic[typing.TypeVar('Q')]): pass
        class H2(G2[int]): x = n(1)
        print(H2.__orig_bases__[0])
        show()
    """,
    "closures and scopes": """
        def make():
            count = 0
            def add(k=1):
                nonlocal count
                count += n(k)
                return count
            def get(): return n(count)
            return add, get
        add, get = make(); add(); add(5); print(get())
        fs = [lambda: n(i) for i in range(3)]; print([f() for f in fs])
        fs = [lambda i=i: n(i) for i in range(3)]; print([f() for f in fs])
        def rec():
            def fact(k): return 1 if k < 2 else k * fact(n(k) - 1)
            return fact(4)
        print(rec())
        def deep():
            x = 1
            def a():
                def b():
                    nonlocal x
                    x += n(1)
                    def c():
                        nonlocal x
                        x *= n(3)
                        return x
                    return c()
                return b()
            return a(), x
        print(deep())
        def dels():
            x = 1
            def inner(): return x
            n(1)
            del x
            try: return inner()
            except NameError as e: print(e)
            try: x
            except UnboundLocalError as e: print(e)
        dels()
        def walrus(xs):
            r = [(y := n(x)) for x in xs]
            any((last := x) > 1 for x in xs)
            return r, y, last
        print(walrus([1, 2]))
        print([z := n(5), z], (w := n(1)) + w)
        def comp(a):
            b = 2
            return [[n(i * j) + a for i in range(b)] for j in range(n(2))], {k: n(v) for k, v in {'a': b}.items()}, {n(q) for q in (1, a)}
        print(comp(10))
        i = 'outer'; print([i for i in range(2)], i, [n(i) for i in range(2)], i)
        def args(a, /, b, c=n('c'), *d, e, f=n('f'), **g): return n(a), b, c, d, e, f, g
        print(args(1, 2, e=3), args(1, 2, 3, 4, 5, e=6, f=7, h=8))
        for wrong in (lambda: args(), lambda: args(1, 2), lambda: args(a=1, b=2, e=3)):
            try: wrong()
            except TypeError as e: print(e)
        def mutable(x, acc=[]):
            acc.append(n(x)); return acc
        mutable(1); print(mutable(2), mutable.__defaults__)
        mutable.__defaults__ = (['new'],); print(mutable(3))
        def star(*a, **k): return n(len(a)), sorted(k)
        print(star(*range(3), **{'x': 1}), star(*[], **{}))
        def loc(a):
            b = n(2)
            return sorted(locals()), sorted(vars()), eval('a + b'), sorted(dir())
        print(loc(1))
        def glob():
            global newglobal
            newglobal = n('g')
        glob(); print(newglobal, 'newglobal' in globals(), eval('newglobal'))
        exec('executed = 5'); print(executed)
        def dec(f):
            import functools
            @functools.wraps(f)
            def inner(*a, **k): n('before'); r = f(*a, **k); n('after'); return r
            return inner
        @dec
        def decorated(x): 'doc'; return n(x)
        print(decorated(3), decorated.__name__, decorated.__doc__)
        import functools
        print(functools.partial(args, 1, e=5)(2), functools.reduce(lambda a, b: n(a + b), [1, 2, 3]))
        def cell_param(x):
            def g(): return n(x)
            x += 1
            return g()
        print(cell_param(1))
        def loop_cells():
            fs = []
            for k in range(3):
                fs.append(lambda: n(k))
            return [f() for f in fs]
        print(loop_cells())
        def except_cell():
            try: raise ValueError(n('v'))
            except ValueError as e:
                f = lambda: e
                n(repr(f()))
            try: f()
            except NameError as x: print(x)
        except_cell()
        show()
    """,
    "loops": """
        def f(k):
            out = []
            for i in range(k):
                if n(i) == 1: continue
                if i == 4: break
                for j in (x for x in range(i)):
                    out.append((i, n(j)))
            else: out.append('else')
            while n(k) > 0:
                k -= 1
                if k == 2: continue
            else: out.append('while else')
            while k < 5:
                k += 1
                if n(k) == 3: break
            else: out.append('no')
            while n(0) or n(0): pass
            else: out.append('or')
            return out
        print(f(3)); print(f(6))
        for n1, (a, *b) in enumerate([(1, 2, 3), n((4, 5))]): print(n1, a, b)
        d = {}
        for d[n('key')] in range(2): n(dict(d))
        for d[n('a')], d[n('b')] in [(1, 2), (3, 4)]: pass
        print(d)
        for x in []: pass
        else: n('empty')
        total = 0
        for a in range(3):
            for b in range(3):
                if b > a: break
                total += n(a * b)
            else: n('inner else')
        print(total)
        it = iter([1, 2, 3, 4])
        for x in it:
            n(x); next(it, None)
        class Old:
            def __getitem__(self, i):
                if n(i) > 2: raise IndexError
                return i * 10
        print([x for x in Old()], list(Old()))
        while True:
            try:
                if n(len(log)) > 3: break
            finally: n('f')
        for i in range(3):
            try: continue
            finally: n(('c', i))
        for x in [1, 2, 3]:
            with open('/dev/null') as h:
                if n(x) == 2: break
        lst = [1, 2, 3]
        for x in lst:
            if n(x) < 3: lst.append(x + 5)
            if len(lst) > 8: break
        print(lst)
        def spin():
            k = 0
            while k < 10: k += 1
            for q in range(5): k += q
            return k
        print(spin())
        show()
    """,
    "match": """
        class P:
            __match_args__ = ('x', 'y')
            def __init__(self, x, y): self.x, self.y = n(x), y
            def __repr__(self): return 'P'
        def m(v):
            match n(v):
                case 0: return n('zero')
                case int(k) if n(k) > 5: return ('big', k)
                case int() | float(): n('num')
                case str() as s if s: return s + n('!')
                case [a, *rest] if n(a) == 1: return a, n(rest)
                case [P(x=1), _]: return 'P1'
                case P(x, y): return n((x, y))
                case {'k': val, **others}: return val, n(others)
                case None: pass
                case _: return n('other')
            return 'end'
        for v in (0, 3, 9, 2.5, 'txt', '', [1, 2, 3], [2], [P(1, 2), 0], P(3, 4), {'k': 5, 'z': 6}, None, object):
            r = m(v)
            print(r if not isinstance(r, type) else 'type')
        class InClass:
            match n((1, 2)):
                case (a, b) if n(a): c = n(a + b)
            for d in (1, 2):
                match d:
                    case 1: e = n('one')
        print(InClass.a, InClass.b, InClass.c, InClass.e)
        def loop():
            for x in (1, 'a', 2):
                match x:
                    case int():
                        if n(x) == 2: break
                        continue
                    case other: n(other)
            return 'done'
        print(loop())
        show()
    """,
    "with": """
        class M:
            def __init__(self, name, swallow=False): self.name, self.swallow = n(name), swallow
            def __enter__(self): n('enter ' + self.name); return self.name
            def __exit__(self, k, v, t): n(('exit', self.name, k and k.__name__, str(v))); return self.swallow
        def f():
            with M('a') as a, M('b', True) as b:
                n((a, b)); raise ValueError('in')
            n('after')
            with M('c'):
                return n('ret')
        print(f())
        def g():
            for i in range(4):
                with M(str(i), True):
                    if n(i) == 0: continue
                    if i == 1: raise KeyError(i)
                    if i == 2: break
            return n('end')
        print(g())
        d = {}
        with M('t') as d[n('k')]: n(d)
        with M('u') as (x): n(x)
        class Bad(M):
            def __exit__(self, *a): raise OSError(n('exit failed'))
        try:
            with Bad('bad'): raise ValueError('first')
        except OSError as e: n(repr(e.__context__))
        try:
            with Bad('bad'): n('fine')
        except OSError as e: n(repr(e.__context__))
        class BadEnter(M):
            def __enter__(self): raise OSError(n('enter failed'))
        try:
            with M('outer'), BadEnter('x'): n('no')
        except OSError as e: n(str(e))
        import contextlib
        with contextlib.suppress(ValueError): raise ValueError(n(1))
        with contextlib.ExitStack() as st:
            st.enter_context(M('st')); st.callback(n, 'cb')
        class NoExit:
            def __enter__(self): pass
        try:
            with NoExit(): pass
        except TypeError as e: n(str(e))
        def gen():
            with M('gen'):
                yield n(1)
                yield n(2)
        for v in gen(): break
        print(list(gen()))
        show()
    """,
    "except star": """
        def f(*excs):
            try:
                n('body')
                if excs: raise ExceptionGroup(n('g'), list(excs))
            except* ValueError as e: n(('V', str(e), [repr(x) for x in e.exceptions]))
            except* (TypeError, KeyError) as e:
                n(('T', [repr(x) for x in e.exceptions]))
                if len(e.exceptions) > 1: raise OSError(n('from handler'))
            else: n('else')
            finally: n('finally')
        def attempt(*excs):
            try: f(*excs)
            except BaseException as e:
                n((type(e).__name__, str(e), [repr(x) for x in getattr(e, 'exceptions', ())]))
            show()
        attempt(); attempt(ValueError(1)); attempt(ValueError(1), TypeError(2)); attempt(OSError(3)); attempt(ValueError(1), OSError(2))
        attempt(TypeError(1), KeyError(2)); attempt(TypeError(1), KeyError(2), OSError(9))
        attempt(ExceptionGroup('in', [ValueError(5), OSError(6)]), TypeError(7))
        def naked():
            try: raise ValueError(n('plain'))
            except* ValueError as e: n((type(e).__name__, e.exceptions[0].args))
        naked(); show()
        def again():
            try: raise ExceptionGroup(n('q'), [ValueError(1), TypeError(2)])
            except* ValueError: n('re'); raise
        try: again()
        except ExceptionGroup as e: print(e, e.exceptions)
    """,
    "deletes": """
        x = [0, 1, 2, 3, 4]
        class O: pass
        o = O(); o.a = o.b = 1
        del x[n(0)], x[n(1):n(2)], o.a
        print(x, hasattr(o, 'a'))
        (y, z) = n((1, 2))
        del (y, z)
        try: y
        except NameError as e: print(e)
        class W:
            k = n(1)
            del k
        print(hasattr(W, 'k'))
        show()
    """,
    "lifetimes": """
        class T:
            def __init__(self, name): self.name = n(name)
            def __del__(self): print('del', self.name)
        def f(x): return n(1)
        f(T('arg')); print('1')
        T('expr'); print('2')
        x = T('var'); x = None; print('3')
        def g():
            t = T('local'); n('g'); return 5
        g(); print('4')
        def h():
            t = T('raised'); raise ValueError(n('h'))
        try: h()
        except ValueError: print('5')
        print('6')
        for q in [T('a'), T('b')]: n(q.name)
        q = None; print('7')
        (lambda a, b: n(0))(T('l1'), T('l2')); print('8')
        y = [T('list'), n(1)][1]; print('9')
        z = f(T('t')) + f(T('u')); print('10')
        if T('cond'): print('11')
        n(T('nested').name); print('12')
        def gen():
            yield T('yielded')
            print('resumed')
            yield 2
        it = gen(); next(it); print('13'); next(it); del it
        with open('/dev/null') as T_: pass
        def k(a):
            a = None
            print('in k'); n(2)
        k(T('param')); print('14')
        log.clear()
    """,
    "recursion": """
        def down(k): return 0 if k == 0 else 1 + down(k - 1)
        print(down(150))
        def forever(k): return forever(k + 1) + n(0)
        try: forever(0)
        except RecursionError as e: print('RecursionError')
        def even(k): return True if k == 0 else odd(k - 1)
        def odd(k): return False if k == 0 else even(k - 1)
        print(even(60))
    """,
}


@pytest.mark.parametrize("area", PROGRAMS)
def test_area(area: str) -> None:
    """The programs of one area of the language print the same as in CPython."""
    check(PRELUDE + textwrap.dedent(PROGRAMS[area]))
