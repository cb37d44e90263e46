"""A guest's world: what it can import, its streams, and how a program ends."""

from __future__ import annotations

import pytest


def test_files_beside_the_program_are_imported(guest):
    """Modules, packages, relative imports, `as`, `*`, and a circle."""
    result = guest(
        """
        import pack.inner as i
        from helper import *
        from pack import other
        print(i.value, public, "_private" in globals(), other.__name__, i.__package__)
        """,
        helper="import prog_user\npublic, _private = 1, 2\n",
        prog_user="import helper\nloaded = hasattr(helper, 'public')\n",
        __init___of_pack="",
        inner_of_pack="from .other import value\n",
        other_of_pack="value = 'relative'\n",
    )
    assert result.stdout == "relative 1 False pack.other pack\n"


def test_an_import_can_fork(guest):
    """A module's body runs in the guest's own frames: a fork in it copies the import half-way."""
    result = guest(
        """
        import os, forking
        print("child" if forking.pid == 0 else "parent", flush=True)
        if forking.pid:
            os.wait()
        """,
        forking="import os\npid = os.fork()\n",
    )
    assert sorted(result.stdout.split()) == ["child", "parent"]


def test_a_module_that_raises_is_not_imported(guest):
    """It is gone from sys.modules, and imported afresh the next time."""
    result = guest(
        """
        import sys
        for _ in range(2):
            try:
                import broken
            except ZeroDivisionError:
                print("broken" in sys.modules)
        """,
        broken="1 / 0\n",
    )
    assert result.stdout == "False\nFalse\n"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("socket", "ImportError", "not available to guests"),
        ("no_such", "ModuleNotFoundError", "No module named 'no_such'"),
    ],
)
def test_other_modules_are_refused(guest, name, kind, words):
    """What kos does not offer is an ImportError that says so."""
    result = guest(f"try:\n    import {name}\nexcept ImportError as e:\n    print(type(e).__name__, e)\n")
    assert result.stdout.startswith(kind) and words in result.stdout


def test_changes_to_a_native_module_stay_in_the_world(guest):
    """Each program sees the modules as the host has them."""
    assert guest("import string\nstring.digits = 'mine'\nprint(string.digits)\n").stdout == "mine\n"
    assert guest("import string\nprint(string.digits)\n").stdout == "0123456789\n"


def test_guest_generators_are_generators(guest):
    """For types, typing and collections.abc."""
    source = """
        import collections.abc, types, typing
        def g():
            yield
        print([isinstance(g(), k) for k in (types.GeneratorType, collections.abc.Generator, typing.Iterator)])
    """
    assert guest(source).stdout == "[True, True, True]\n"


def test_exec_and_eval_run_guest_code(guest):
    """In the caller's namespaces, in given ones, from text and from compiled code; a fork in them works."""
    result = guest("""
        import os
        def f():
            inner = 5
            return eval("inner + 1"), eval("[inner for _ in 'ab']")
        space, local = {}, {}
        exec("a = 1; b = a + 1", space, local)
        code = compile("x * 2", "<made>", "eval")
        exec("pid = os.fork()")
        if pid == 0:
            os._exit(0)
        print(f(), local, eval(code, {"x": 4}), os.waitpid(pid, 0) == (pid, 0))
    """)
    assert result.stdout == "(6, [5, 5]) {'a': 1, 'b': 2} 8 True\n"


def test_print_gives_a_foreign_file_its_pieces(guest):
    """One write for each piece, as the built-in function does it."""
    source = """
        class File:
            def write(self, text):
                pieces.append(text)
        pieces = []
        print("a", 1, sep="-", end="!", file=File())
        print(pieces)
    """
    assert guest(source).stdout == "['a', '-', '1', '!']\n"


@pytest.mark.parametrize(
    ("statement", "status", "stderr"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(300)", 44, ""),
        ("sys.exit(True)", 1, ""),
        ("sys.exit(1 << 80)", 255, ""),
        ("sys.exit('words')", 1, "words\n"),
        ("raise SystemExit([1])", 1, "[1]\n"),
    ],
)
def test_exit_codes(guest, statement, status, stderr):
    """SystemExit means what it means to CPython."""
    result = guest("import sys\n" + statement + "\n")
    assert (result.status, result.stderr) == (status << 8, stderr)


def test_an_uncaught_exception_prints_the_guests_frames_only(guest):
    """File and line as CPython shows them, nothing of kos."""
    result = guest("def f():\n    return 1 / 0\nf()\n")
    assert result.status == 1 << 8
    assert "line 3, in <module>" in result.stderr and "line 2, in f" in result.stderr
    assert result.stderr.count("File ") == 2
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_the_end_of_a_program(guest, tmp_path):
    """atexit's callbacks backwards, finalizers, open files flushed, then the streams."""
    result = guest(
        f"""
        import atexit, sys
        class Thing:
            def __del__(self):
                print("finalizer", sys.argv[1])
        atexit.register(print, "first")
        atexit.register(print, "second")
        thing, file = Thing(), open({str(tmp_path / "left")!r}, "w")
        file.write("flushed")
        print("body")
    """,
        "argument",
    )
    assert result.stdout == "body\nsecond\nfirst\nfinalizer argument\n"
    assert (tmp_path / "left").read_text() == "flushed"
