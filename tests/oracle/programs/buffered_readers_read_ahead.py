"""How far a buffered reader reads ahead, when it asks the file at all, and what it says when nothing is there yet."""

import os

path = "/tmp/buffered_readers_read_ahead"
with open(path, "wb") as f:
    f.write(b"".join(b"line %04d\n" % i for i in range(2000)))


def attempt(label, call, *args):
    try:
        print(label, call(*args))
    except Exception as e:
        print(label, type(e).__name__, e)


def stands(f):
    return os.lseek(f.fileno(), 0, os.SEEK_CUR)


with open(path) as f:
    print("text line", repr(f.readline()), stands(f), f.tell())
with open(path, "rb") as f:
    print("read1", f.read1(30), stands(f), f.read1(5), stands(f))
with open(path, "rb") as f:
    print("read", len(f.read(5000)), stands(f), len(f.read(5)), stands(f), len(f.peek()))
with open(path, "rb", 16) as f:
    room = bytearray(50)
    print("readinto", f.readinto(room), stands(f), f.readinto1(room), stands(f), f.read1(9))
    print("peek", f.peek(10), f.peek(1), f.read(1), stands(f))

# Seeking inside the buffer does not ask the file: what was read stays as it was.
with open(path, "rb") as f, open(path, "r+b") as other:
    f.readline()
    other.write(b"LINE")
    other.flush()
    print(f.seek(0), f.readline(), f.seek(5000), f.seek(0), f.readline(), stands(f))

# A child goes on where the parent's reading ahead has left the descriptor.
with open(path) as f:
    f.readline()
    pid = os.fork()
    if pid == 0:
        print("child", os.read(f.fileno(), 10), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print("parent", repr(f.readline()), stands(f))

# A text file is cut where its buffer stands.
with open(path, "r+") as f:
    f.readline()
    print("truncate", f.truncate(), os.path.getsize(path))
    print("truncate", f.truncate(100), os.path.getsize(path))
with open(path, "w", buffering=16) as f:
    f.write("x" * 40)
    attempt("write-only readline", f.readline)
    print(os.path.getsize(path))
os.unlink(path)

r, w = os.pipe()
os.set_blocking(r, False)
with os.fdopen(r, "rb") as f, os.fdopen(w, "w") as end:
    room = bytearray(4)
    print("nothing yet", f.readinto(room), f.readinto1(room), f.read(4), f.read1(4), f.readline(), f.peek())
    end.write("ab")
    end.flush()
    print("a little", f.read(4), f.read(4))
    end.write("abcdef")
    end.flush()
    print("more", f.readinto(room), f.readinto(room), room, f.readinto(room))
    for name in ("truncate", "tell", "read"):
        attempt(name, getattr(end, name))
    attempt("raw truncate", end.buffer.raw.truncate)
attempt("opener", lambda: open("none", opener=lambda path, flags: -5))
for name in ("read", "read1", "readinto1", "peek", "readline"):
    attempt(name, getattr(f, name), *([room] if "into" in name else []))
