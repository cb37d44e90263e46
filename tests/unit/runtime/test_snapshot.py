"""What a fork copies: every object as it was, with all that it shares with others."""

from __future__ import annotations


def test_a_chain_of_objects_may_be_long(forked):
    """5,000 nodes, each holding the next, are no recursion."""
    setup = """
        class Node:
            def __init__(self, rest):
                self.rest = rest

        def length(node):
            n = 0
            while node:
                node, n = node.rest, n + 1
            return n

        chain = None
        for _ in range(5000):
            chain = Node(chain)
    """
    assert forked(setup, "length(chain)") == "5000"


def test_nested_lists_may_be_deep(forked):
    """6,000 lists, one inside the other, do not overflow the stack."""
    setup = """
        def depth(x):
            n = 0
            while x:
                x, n = x[0], n + 1
            return n

        nest = []
        for _ in range(6000):
            nest = [nest]
    """
    assert forked(setup, "depth(nest)") == "6000"


def test_identity_and_cycles_are_kept(forked):
    """Two names of one object stay two names of one object, globals() and sys.modules included."""
    setup = """
        import sys
        one = object()
        pair, ring, space = [one, {"k": one}], [], globals()
        ring.append(ring)
    """
    expression = (
        "pair[0] is one is pair[1]['k'], ring[0] is ring, space is globals(), sys.modules['__main__'].one is one"
    )
    assert forked(setup, expression) == "True True True True"


def test_closures_share_their_cells(forked):
    """Functions over one variable still share it; a variable that is not bound yet stays unbound."""
    setup = """
        def make():
            count = nothing = None
            count = 10
            def add():
                nonlocal count
                count += 1
                return count
            return add, lambda: (count, nothing)
        add, get = make()
    """
    assert forked(setup, "add(), add(), get()") == "11 12 (12, None)"


def test_a_mutable_default_is_the_functions(forked):
    """The list behind a default argument goes with its function."""
    setup = """
        def f(x, seen=[]):
            seen.append(x)
            return seen
        f(1)
    """
    assert forked(setup, "f(2), f.__defaults__[0] is f(3)") == "[1, 2, 3] True"


def test_classes_are_copied_without_being_made_again(forked):
    """No metaclass, __set_name__ or __init_subclass__ runs; they still work for classes made afterwards."""
    setup = """
        log = []
        class Meta(type):
            def __new__(meta, name, bases, names):
                log.append("new " + name)
                return super().__new__(meta, name, bases, names)
        class Named:
            def __set_name__(self, owner, name):
                log.append("set " + name)
        class Base(metaclass=Meta):
            field = Named()
            def __init_subclass__(cls):
                log.append("sub " + cls.__name__)
        class Derived(Base):
            __slots__ = ("x",)
            def __init__(self):
                super().__init__()
                self.x = 1
        thing = Derived()
        def later():
            class Later(Derived):
                pass
            return log
    """
    expected = "['new Base', 'set field', 'new Derived', 'sub Derived', 'new Later', 'sub Later'] 1 True"
    assert forked(setup, "later(), thing.x, type(thing) is Derived") == expected


def test_an_instance_is_not_asked_how_to_copy_it(forked):
    """__reduce__, __getattr__, __setattr__, __new__ and __getstate__ of a guest's class are not called."""
    setup = """
        class Guarded:
            def __new__(cls, *args):
                calls.append("new")
                return object.__new__(cls)
            def __init__(self, x):
                object.__setattr__(self, "x", x)
            def __setattr__(self, name, value):
                calls.append("set")
            def __getattr__(self, name):
                calls.append("get")
                return name
            def __reduce__(self):
                calls.append("reduce")
            __getstate__ = __reduce__
        calls = []
        guarded = Guarded(5)
    """
    assert forked(setup, "guarded.x, calls") == "5 ['new']"


def test_keys_are_hashed_by_whole_objects(forked):
    """A dict whose keys have the guest's own __hash__, which uses a global function, finds them again."""
    setup = """
        class Key:
            table = {}
            def __init__(self, k):
                self.k = k
            def __hash__(self):
                return mix(self.k)
            def __eq__(self, other):
                return isinstance(other, Key) and self.k == other.k
        def mix(k):
            return k * 31
        Key.table[Key(1)] = "class"
        table, group = {Key(2): "dict", (Key(3), 0): "tuple"}, frozenset({Key(4)})
    """
    assert (
        forked(setup, "Key.table[Key(1)], table[Key(2)], table[Key(3), 0], Key(4) in group") == "class dict tuple True"
    )


def test_enums_dataclasses_and_named_tuples(forked):
    """Classes that native modules make for a guest are the guest's, and work on."""
    setup = """
        import collections, dataclasses, enum
        class Color(enum.Enum):
            RED = 1
        @dataclasses.dataclass(order=True)
        class Point:
            x: int
            y: list = dataclasses.field(default_factory=list)
        Pair = collections.namedtuple("Pair", "a b")
        red, point, pair = Color.RED, Point(1), Pair(1, 2)
    """
    expression = "red is Color(1), point, dataclasses.asdict(Point(3)), pair._replace(a=9)"
    assert forked(setup, expression) == "True Point(x=1, y=[]) {'x': 3, 'y': []} Pair(a=9, b=2)"


def test_abstract_classes_stay_abstract(forked):
    """Abstract methods, registered classes and isinstance are as before."""
    setup = """
        import abc
        class Shape(abc.ABC):
            @abc.abstractmethod
            def area(self): ...
        class Square(Shape):
            def area(self):
                return 4
        @Shape.register
        class Other: ...
        def refusal():
            try:
                Shape()
            except TypeError as e:
                return str(e)[:25]
    """
    expression = "Square().area(), isinstance(Other(), Shape), refusal()"
    assert forked(setup, expression) == "4 True Can't instantiate abstrac"


def test_iterators_go_on_where_they_were(forked):
    """Native iterators over anything, the guest's own iterators among it, keep their place."""
    setup = """
        import itertools
        class Down:
            def __init__(self, n):
                self.n, self.started = n, 0
            def __iter__(self):
                self.started += 1
                return self
            def __next__(self):
                if not self.n:
                    raise StopIteration
                self.n -= 1
                return self.n
        down = Down(5)
        numbered, pairs, rest = enumerate(down), itertools.pairwise("abcd"), iter([1, 2, 3])
        next(numbered), next(pairs), next(rest)
    """
    expression = "next(numbered), list(pairs), list(rest), down.started"
    assert forked(setup, expression) == "(1, 3) [('b', 'c'), ('c', 'd')] [2, 3] 1"


def test_generators_go_on_where_they_were(forked):
    """Suspended, delegating and unstarted ones."""
    setup = """
        def count(n):
            for i in range(n):
                yield i
        def outer():
            yield from count(3)
            yield "end"
        a, b, c = outer(), (x * x for x in range(4)), count(2)
        next(a), next(b)
    """
    assert forked(setup, "list(a), list(b), list(c)") == "[1, 2, 'end'] [1, 4, 9] [0, 1]"


def test_exceptions_print_the_same_traceback(forked):
    """With file, line, name and the marks under the line; cause, notes and attributes with them."""
    setup = """
        import traceback
        def fail():
            return 1 / 0
        try:
            try:
                fail()
            except ZeroDivisionError as e:
                raise KeyError("k") from e
        except KeyError as e:
            error = e
        error.add_note("noted")
        before = traceback.format_exception(error)
    """
    assert (
        forked(setup, "traceback.format_exception(error) == before, 'return 1 / 0' in ''.join(before)") == "True True"
    )


def test_oserrors_keep_their_fields(forked):
    """errno, file name and text."""
    setup = """
        try:
            open("/no/such/file")
        except OSError as e:
            error = e
    """
    expected = "2 /no/such/file [Errno 2] No such file or directory: '/no/such/file'"
    assert forked(setup, "error.errno, error.filename, error") == expected


def test_views_and_weak_references_keep_their_targets(forked):
    """A memoryview writes into the same bytearray; a weak reference finds the same object."""
    setup = """
        import weakref
        class Thing: ...
        thing, data = Thing(), bytearray(b"hello world")
        ref, table, view = weakref.ref(thing), weakref.WeakValueDictionary(t=thing), memoryview(data)[6:]
        def write():
            view[0] = 87
            return bytes(data)
    """
    assert forked(setup, "ref() is thing is table['t'], write()") == "True b'hello World'"


def test_subclasses_of_builtins_keep_contents_and_attributes(forked):
    """Whatever their methods have been overridden with."""
    setup = """
        class Attributes(dict):
            def __init__(self, **items):
                super().__init__(**items)
                self.__dict__ = self
        class Stubborn(list):
            def append(self, x):
                raise ValueError
            extend = __iter__ = append
        class Plus(int):
            def __new__(cls, n):
                return super().__new__(cls, n + 1)
        a, s, p = Attributes(x=1), Stubborn([1, 2]), Plus(4)
        s.me, p.name = s, "five"
    """
    assert forked(setup, "a.x, a.__dict__ is a, len(s), s[1], s.me is s, p, p.name") == "1 True 2 2 True 5 five"


def test_native_state_belongs_to_the_process(guest):
    """The generator behind `random`, decimal's context and a module's attributes are copied, not shared."""
    result = guest("""
        import decimal, os, random, string
        random.seed(7)
        decimal.getcontext().prec = 5
        expected = [random.random() for _ in range(2)]
        random.seed(7)
        if os.fork() == 0:
            decimal.getcontext().prec = 9
            string.extra = random.random()
            print(decimal.Decimal(1) / 3, string.extra != expected[0], flush=True)
            os._exit(0)
        os.wait()
        print(decimal.Decimal(1) / 3, random.random() == expected[0], hasattr(string, "extra"))
    """)
    assert result.stdout == "0.333333333 True\n0.33333 True False\n"


def test_what_cannot_be_copied_is_named(guest):
    """fork raises TypeError with the variable and the kind of object, and the program goes on."""
    result = guest("""
        import hashlib, os, re, zlib
        def try_fork():
            try:
                os.fork()
            except TypeError as e:
                print(e)
        def f():
            half = re.finditer("a", "aaa")
            next(half)
            try_fork()
        f()
        packed = {"deep": [zlib.compressobj()]}
        try_fork()
        packed = hashlib.sha256(b"x" * (1 << 20))
        packed.update(b"a byte too much")
        try_fork()
    """)
    assert result.stdout == (
        "variable 'half' of f() in prog.py: cannot copy a half-used re.finditer at fork\n"
        "variable 'packed' of prog.py: cannot copy a compressor of zlib at fork\n"
        "variable 'packed' of prog.py: cannot copy a hash object of hashlib that was given more than a MiB at fork\n"
    )


def test_a_small_program_has_a_small_snapshot(guest):
    """A few kilobytes, the source text included."""
    result = guest("import os\nif os.fork():\n    os.wait()\nelse:\n    os._exit(0)\n")
    assert result.sizes[0] < 4096
