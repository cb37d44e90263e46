"""kos/arena/layout.py: declared sizes are checked, offsets are derived."""

import ctypes
from typing import Annotated

import pytest

from kos.arena.layout import Chars, Struct, i32, layout, u8, u16, u32, u64, word_index


@layout(size=32)
class Sample(Struct):
    """One field of every kind."""

    small: u8
    short: u16
    signed: i32
    word: u64
    text: Annotated[Chars, ctypes.c_char * 8]
    last: u32


def test_fields_lie_where_c_would_put_them():
    """Alignment included."""
    offsets = {name: getattr(Sample, name).offset for name in ("small", "short", "signed", "word", "text", "last")}

    assert offsets == {"small": 0, "short": 2, "signed": 4, "word": 8, "text": 16, "last": 24}
    assert word_index(Sample, "word") == 1


def test_a_wrong_size_is_refused():
    """At import, so that it cannot be overlooked."""
    with pytest.raises(TypeError, match=r"declared size=8, the fields take 16 bytes"):

        @layout(size=8)
        class Wrong(Struct):
            a: u64
            b: u64


def test_a_field_without_a_c_type_is_refused():
    with pytest.raises(TypeError, match="annotate with"):

        @layout(size=8)
        class Wrong(Struct):
            a: int


def test_only_an_aligned_word_has_a_word_index():
    with pytest.raises(TypeError, match="not an aligned word"):
        word_index(Sample, "signed")


def test_clear_zeroes_every_field():
    one = Sample.from_buffer(bytearray(b"\xff" * 32))
    one.clear()

    assert bytes(one) == bytes(32)
