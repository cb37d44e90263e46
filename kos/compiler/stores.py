"""`name[i] = byte` in a loop: where the name is a mapping, the byte goes through its window, without a call.

    $q3 = m._writes if $type(m) is $hot.mapped else None                    once, before the loop
    $q4 = $type($i1) is $range                                              where i is what the loop counts
    ...
    if $q3 is not None and ($q4 or $type(i) is $int) and $q3.low <= i and i < $q3.high:
        $q3.mem[i + $q3.delta] = 7
    else:
        m[i] = 7

A call of a class's `__setitem__` alone takes 60 ns, twice what the host's mmap takes for the whole statement. What a
window is, and why a store through it is one that the TLB allows: kos/hw/tlb.py. From the comparison with its bounds to
the store nothing is called and nothing jumps back, so there is no moment at which Python would run a signal handler,
and with it a safepoint. The types come first: of anything but an int, a comparison would be the guest's own code.

Only for a local variable that the loop does not bind and no other function shares: it is then the same object in every
turn. Other statements pay the look at one local, 1 ns, and are what they were: they evaluate nothing twice. Measured on
Python 3.11: a loop of such stores 60 ns a turn, without 115 ns; the host's mmap 23 ns.
"""

from __future__ import annotations

import ast

from kos.compiler import tree as t
from kos.compiler.core import Loop
from kos.compiler.expressions import Expressions
from kos.compiler.facts import bound_names


class Stores(Expressions):
    """Lowering of item assignments in loops."""

    inline_stores = True  #: the runtime's own library has no use for it

    def byte_store(self, node: ast.Assign) -> bool:
        """Lower `name[index] = value` with the fast path; False: it is another statement, or has no use for it."""
        if len(node.targets) != 1 or not self.inline_stores:
            return False
        target = node.targets[0]
        if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
            return False
        if self.facts.suspends(target) or not _may_be_byte(node.value) or not _is_plain(target.slice):
            return False
        flag = self._flag(target.value.id)
        if flag is None:
            return False
        given = self.expr(node.value)
        value = given if isinstance(given, ast.Constant) or self._is_own(given) else self.hold(given)
        place = self.native(target)
        assert isinstance(place, ast.Subscript)
        plain = ast.Assign([place], value)
        if isinstance(place.slice, ast.Constant) or self._is_own(place.slice):
            self.emit(self._fast_or(plain, flag, place.slice, value))
        else:
            # Evaluated once: here, or in the statement as it was. The value comes first, as ever.
            names = [self.temp()]
            first: list[ast.stmt] = [t.assign(names[0], place.slice)]
            if self._is_own(value):
                names.append(self.temp())
                first.insert(0, t.assign(names[1], value))
                value = t.load(names[1])
            index = t.load(names[0])
            again = ast.Assign([ast.copy_location(ast.Subscript(place.value, index, ast.Store()), place)], value)
            fast = self._fast_or(again, flag, index, value)
            self.emit(t.if_(_is_window(flag), [*first, fast, t.clear(names)], [plain]))
            value = plain.value
        self.drop(t.hidden_names(value))
        return True

    def _fast_or(self, plain: ast.stmt, flag: str, index: ast.expr, value: ast.expr) -> ast.stmt:
        def window(part: str) -> ast.expr:
            return ast.Attribute(t.load(flag), part, ast.Load())

        def is_int(operand: ast.expr) -> ast.expr:
            asked = t.is_(t.call("$type", operand), t.load("$int"))
            counted = self._counted(operand)
            return asked if counted is None else t.either(t.load(counted), asked)

        tests: list[ast.expr] = [_is_window(flag)]
        if not isinstance(value, ast.Constant):
            tests += [is_int(value), t.compare(t.const(0), ast.LtE(), value), t.compare(value, ast.Lt(), t.const(256))]
        if not isinstance(index, ast.Constant):
            tests.append(is_int(index))
        tests += [t.compare(window("low"), ast.LtE(), index), t.compare(index, ast.Lt(), window("high"))]
        at = ast.BinOp(index, ast.Add(), window("delta"))
        store = ast.Assign([ast.Subscript(window("mem"), at, ast.Store())], value)
        return t.if_(t.both(*tests), [store], [plain])

    # -- which loop, which name ---------------------------------------------------------------------------------

    def _is_own(self, node: ast.expr) -> bool:
        """A local variable of this function alone: read twice, it is the same."""
        return isinstance(node, ast.Name) and self._is_local(node.id)

    def _is_local(self, name: str) -> bool:
        scope = self.scope
        return scope.kind == "function" and (name in scope.local or name in scope.params) and not (
            name in scope.cells or name in scope.free
        )  # fmt: skip

    def _flag(self, name: str) -> str | None:
        """The hidden local with the window of a variable that is a mapping; set before the outermost possible loop."""
        if not self._is_local(self.scope.mangle(name)) or name in self._walrus_names():
            return None
        for entry in self.control:
            if isinstance(entry, Loop):
                if entry.bound is None:
                    entry.bound = bound_names(entry.node)
                if name not in entry.bound:
                    if name not in entry.flags:
                        entry.flags[name] = f"$q{self.fresh()}"
                    return entry.flags[name]
        return None

    def _counted(self, variable: ast.expr) -> str | None:
        """The hidden local that says whether a variable is what its loop counts through a range: then it is an int."""
        for entry in reversed(self.control):
            if isinstance(variable, ast.Name) and isinstance(entry, Loop) and isinstance(entry.node, ast.For):
                target = entry.node.target
                if isinstance(target, ast.Name) and self.scope.mangle(target.id) == variable.id:
                    bound = set[str]().union(*map(bound_names, entry.node.body))
                    if target.id in bound or target.id in self._walrus_names():
                        return None
                    entry.range_flag = entry.range_flag or f"$q{self.fresh()}"
                    return entry.range_flag
        return None

    def _walrus_names(self) -> set[str]:
        """Names that an expression somewhere in the function binds: a generator may do so while a loop runs."""
        if self._walrus is None:
            found = ast.walk(self.scope.node)
            self._walrus = {part.target.id for part in found if isinstance(part, ast.NamedExpr)}
        return self._walrus

    _walrus: set[str] | None = None

    def set_flags(self, loop: Loop) -> None:
        """Emit what is asked once, right before the loop. A variable may be unbound until then, and in the loop too."""
        for name, flag in loop.flags.items():
            variable = self.native(t.load(name))
            is_mapping = t.is_(t.call("$type", variable), ast.Attribute(t.load("$hot"), "mapped", ast.Load()))
            window = ast.IfExp(is_mapping, ast.Attribute(variable, "_writes", ast.Load()), t.const(None))
            unbound = ast.ExceptHandler(t.load("$NameError"), None, [t.assign(flag, t.const(None))])
            self.emit(ast.Try([t.assign(flag, window)], [unbound], [], []))
        if loop.range_flag:
            self.emit(t.assign(loop.range_flag, t.is_(t.call("$type", t.load(loop.iterator)), t.load("$range"))))


def _is_window(flag: str) -> ast.expr:
    return t.compare(t.load(flag), ast.IsNot(), t.const(None))


def _may_be_byte(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return type(value.value) is int and 0 <= value.value < 256
    return not isinstance(value, (ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Lambda, ast.ListComp))


def _is_plain(index: ast.expr) -> bool:
    """No slice, and an expression that can stand in two places: numbers, variables and arithmetic."""
    if isinstance(index, ast.Constant):
        return type(index.value) is int and index.value >= 0
    kinds = (ast.Name, ast.BinOp, ast.UnaryOp, ast.Constant, ast.Attribute, ast.Subscript)
    inner = (ast.expr_context, ast.operator, ast.unaryop)
    return all(isinstance(part, (*kinds, *inner)) for part in ast.walk(index))
