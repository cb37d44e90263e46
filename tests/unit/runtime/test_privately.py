"""Modules of the host's library executed once more: with other imports, and compiled only once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from kos.compiler import cache
from kos.runtime.privately import private_copy


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of compiled code, empty and this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache.folder()


def test_a_copy_has_other_imports_and_edits():
    """Its imports find what was given, its text is the edited one; the host's own module stays as it is."""
    import bisect

    fake = SimpleNamespace(mark="given")
    copy = private_copy("bisect", "bisect", {"_bisect": fake}, [("def bisect_left(", "def find_left(")])

    assert copy.find_left([1, 2], 2) == 1 and not hasattr(copy, "bisect_left")
    assert copy.mark == "given"
    assert hasattr(bisect, "bisect_left") and not hasattr(bisect, "find_left")


def test_the_compiled_text_is_kept(kept):
    """The second copy of a text is made from what the first one left; another text is another one."""
    private_copy("bisect", "bisect", {})
    (file,) = kept.iterdir()
    cache.store(file.name, compile("mark = 1", "kept", "exec"))

    assert private_copy("bisect", "bisect", {}).mark == 1
    assert not hasattr(private_copy("bisect", "bisect", {}, [("def insort_right", "def insort_left")]), "mark")


def test_what_is_damaged_on_disk_is_compiled_again(kept):
    """A file that is cut short, or is something else, is replaced."""
    private_copy("bisect", "bisect", {})
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    for damage in (whole[:-1], b"", b"something else"):
        file.write_bytes(damage)
        assert private_copy("bisect", "bisect", {}).bisect([1, 2], 1) == 1
        assert file.read_bytes() == whole
