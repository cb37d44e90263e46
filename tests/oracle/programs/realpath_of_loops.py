"""realpath follows each link once and stops where links go round; strict names the path as far as it was relative."""

import os

home = f"/tmp/realpath-of-loops-{os.getpid()}"
os.makedirs(home + "/real/below")
os.chdir(home)
for target, name in (
    ("loop", "loop"),
    ("one/x", "two"),
    ("two/y", "one"),
    ("real", "link"),
    ("../link/below", "real/up"),
    ("round/deeper", "round"),
    (home + "/link", "absolute"),
    ("nowhere/at/all", "dangling"),
):
    os.symlink(target, name)
for path in (
    "loop",
    "loop/../real",
    "one/z",
    "two/..",
    "link/up/../up",
    "absolute/below/..",
    "round/more/../..",
    "dangling/x",
    "missing/../link",
    "./real//below/.",
    "",
    "..",
    "link/../link/up/./..",
):
    print(repr(path), os.path.realpath(path).replace(home, "HOME"), os.path.realpath(path.encode()).count(b"/"))
    try:
        print(os.path.realpath(path, strict=True).replace(home, "HOME"))
    except OSError as e:
        print(type(e).__name__, str(e).replace(home, "HOME"))

# Of two paths both parents are found before either name is looked at.
long = "x" * 256
for old, new in (("missing/a", long), (long, "missing/a"), (long, "b"), ("real", long), ("missing", long)):
    for call in (os.rename, os.link):
        try:
            call(old, new)
        except OSError as e:
            print(call.__name__, e.strerror)
for name in ("loop", "two", "one", "link", "real/up", "round", "absolute", "dangling"):
    os.unlink(name)
for name in ("real/below", "real"):
    os.rmdir(name)
os.rmdir(home)
