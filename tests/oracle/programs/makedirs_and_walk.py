"""makedirs, walk, scandir, renames and removedirs over a small tree."""

import os

top = f"/tmp/walk-{os.getpid()}"
os.makedirs(top + "/a/b/c")
os.makedirs(top + "/d")
for name in ("x", "a/y", "a/b/z"):
    with open(f"{top}/{name}", "w") as f:
        f.write(name)
for folder, dirs, files in os.walk(top):
    dirs.sort()
    print(folder[len(top) :] or "/", dirs, sorted(files))
print([folder[len(top) :] for folder, dirs, _ in os.walk(top + "/a", topdown=False)])
with os.scandir(top) as entries:
    print(sorted((e.name, e.is_dir(), e.is_file()) for e in entries))
try:
    os.makedirs(top + "/a")
except FileExistsError as e:
    print(e.strerror)
os.makedirs(top + "/a", exist_ok=True)
try:
    os.rmdir(top + "/a")
except OSError as e:
    print(e.strerror)
for name in ("x", "a/y", "a/b/z"):
    os.remove(f"{top}/{name}")
os.rmdir(top + "/d")
os.removedirs(top + "/a/b/c")
print(os.path.exists(top))
