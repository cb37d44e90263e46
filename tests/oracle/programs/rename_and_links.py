"""rename replaces, link counts, and the errors that name two files."""

import os

top = f"/tmp/links-{os.getpid()}"
os.mkdir(top)
os.chdir(top)
with open("a", "w") as f:
    f.write("first")
os.link("a", "b")
print(os.stat("a").st_nlink, os.path.samefile("a", "b"), os.stat("a").st_ino == os.stat("b").st_ino)
with open("c", "w") as f:
    f.write("second")
os.rename("c", "a")
print(open("a").read(), open("b").read(), os.stat("b").st_nlink, sorted(os.listdir()))
for act in (
    lambda: os.rename("none", "a"),
    lambda: os.link("none", "x"),
    lambda: os.mkdir("a"),
    lambda: os.rmdir("a"),
    lambda: os.unlink("none"),
    lambda: os.open("a/x", os.O_RDONLY),
    lambda: os.open(".", os.O_WRONLY),
):
    try:
        act()
    except OSError as e:
        print(type(e).__name__, e.filename, e.filename2, e.strerror)
os.symlink("a", "s")
print(os.readlink("s"), os.path.islink("s"), os.lstat("s").st_size, open("s").read())
for name in os.listdir("."):
    os.unlink(name)
os.chdir("/")
os.rmdir(top)
