"""os.path over the file system and over strings."""

import os

top = f"/tmp/path-{os.getpid()}"
os.mkdir(top)
os.chdir(top)
open("f", "w").close()
os.mkdir("d")
os.symlink("d", "l")
os.symlink("loop", "loop")
print([os.path.exists(p) for p in ("f", "d", "l", "loop", "none")], [os.path.lexists(p) for p in ("l", "loop", "none")])
print(os.path.isfile("f"), os.path.isdir("d"), os.path.isdir("l"), os.path.islink("l"), os.path.isfile("none/x"))
print(os.path.abspath("d/../x") == top + "/x", os.path.realpath("l/../f") == top + "/f", os.path.relpath(top + "/d"))
print(os.path.realpath("l") == top + "/d", os.path.getsize("f"), os.path.normpath("a//b/./../c"))
print(
    os.path.join("a", "/b", "c"),
    os.path.split("/x/y"),
    os.path.splitext("n.tar.gz"),
    os.path.commonpath(["/a/b", "/a/c"]),
)
for name in ("f", "l", "loop"):
    os.unlink(name)
os.rmdir("d")
os.chdir("/")
os.rmdir(top)


class Wrapped:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


print([os.path.ismount(path) for path in ("/", b"/", Wrapped("/"), Wrapped(b"/"), Wrapped(b"/no such"))])
