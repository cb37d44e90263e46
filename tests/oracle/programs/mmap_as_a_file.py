"""mmap: position, read, write, readline, find, move, and what runs past the end."""

import mmap

m = mmap.mmap(-1, 32)
print(m.write(b"first\nsecond\n"), m.tell(), m.seek(0) in (None, 0), m.readline(), m.readline(), m.read(3), m.tell())
m.seek(-4, 2)
m.write_byte(65)
print(m.read_byte(), m.find(b"second"), m.find(b"second", 0), m.rfind(b"s", 0), m.find(b"nope", 0), len(m))
m.move(20, 0, 5)
print(m[18:27], m[-4], m[::8], m[40:], list(m)[:2], b"f" in m, m[3:0:-1])
for act in (
    lambda: m.write(b"x" * 33),
    lambda: m.seek(33),
    lambda: m.move(30, 0, 5),
    lambda: m[32],
    lambda: m.__setitem__(0, 256),
    lambda: m.__setitem__(slice(0, 2), b"x"),
    lambda: m.find("text"),
    lambda: m.__delitem__(0),
):
    try:
        act()
    except (ValueError, IndexError, TypeError) as e:
        print(type(e).__name__, e)
print(m)
m.close()
print(m, m.closed)
