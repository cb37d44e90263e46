"""An index, a slice's bound or a value whose __index__ closes or shrinks the map: ValueError, never a stray access."""

import mmap


class Closing:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        m.close()
        return self.number


def the_map():
    return m


def store(key, value):
    m[key] = value


for attempt in (
    lambda: the_map()[Closing(1)],
    lambda: the_map()[Closing(0) : 10],
    lambda: the_map()[: Closing(20) : 2],
    lambda: the_map()[1:10:-1],
    lambda: store(Closing(1), 5),
    lambda: store(1, Closing(5)),
    lambda: store(slice(0, Closing(2)), b"ab"),
    lambda: the_map().read(Closing(4)),
    lambda: the_map().find(b"a", 1, Closing(9)),
    lambda: the_map().move(1, 2, Closing(3)),
    lambda: the_map().write_byte(Closing(3)),
):
    m = mmap.mmap(-1, 8192)
    m[:] = bytes(range(256)) * 32
    try:
        print(attempt())
    except (ValueError, IndexError) as e:
        print(type(e).__name__, e)
    print(m.closed)
