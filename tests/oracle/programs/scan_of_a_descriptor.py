"""scandir and listdir take a descriptor; calls on paths say what they take; -1 is no descriptor, but no path either."""

import os

home = f"/tmp/scan-of-a-descriptor-{os.getpid()}"
os.makedirs(home + "/folder")
with open(home + "/file", "w") as f:
    f.write("abc")
fd = os.open(home, os.O_RDONLY)
with os.scandir(fd) as entries:
    for entry in sorted(entries, key=lambda e: e.name):
        same = entry.inode() == os.stat(entry.name, dir_fd=fd).st_ino
        print(entry, entry.path, entry.is_dir(), entry.is_file(), entry.is_file() and entry.stat().st_size, same)
print(sorted(os.listdir(fd)), [type(e.name) for e in os.scandir(home.encode())])
os.chdir(home + "/folder")
null = os.open("/dev/null", os.O_RDONLY)
calls = (
    os.listdir,
    os.scandir,
    os.stat,
    os.chdir,
    os.statvfs,
    os.path.exists,
    lambda path: os.truncate(path, 0),
    os.lstat,
)
for call in calls:
    for path in (-1, null, 99, 5.5, []):
        try:
            result = call(path)
            print(path, result if isinstance(result, list | bool) else type(result).__name__)
        except (OSError, TypeError) as e:
            print(path, type(e).__name__, e, getattr(e, "filename", None))
try:
    os.DirEntry()
except TypeError as e:
    print(e)
for arguments in ((home, 5), (home, "z"), (home, "r", "x"), (home, "r", -1, 5)):
    try:
        open(*arguments)
    except (TypeError, ValueError) as e:
        print(e)
with open(home + "/file") as f:
    for size in ("x", 1.5):
        try:
            f.read(size)
        except TypeError as e:
            print(e)
os.unlink(home + "/file")
os.rmdir(home + "/folder")
os.rmdir(home)
