"""A DirEntry keeps what the scan and its first stat said; os says which of its calls take what; times of files."""

import os

home = f"/tmp/scanned-entries-{os.getpid()}"
os.mkdir(home)
os.chdir(home)
with open("file", "w") as f:
    f.write("hello")
os.mkdir("folder")
os.symlink("file", "link")
os.symlink("missing", "dangling")
entries = sorted(os.scandir(), key=lambda entry: entry.name)
inodes = [os.lstat(entry.name).st_ino for entry in entries]
print([entry.stat(follow_symlinks=False).st_size for entry in entries if entry.is_file()])
os.unlink("file")
os.rmdir("folder")
for entry in entries:
    print(entry, entry.is_dir(), entry.is_file(), entry.is_symlink(), entry.is_file(follow_symlinks=False))
print([entry.inode() for entry in entries] == inodes)
for entry in entries:
    try:
        print(entry.name, entry.stat().st_size)
    except OSError as e:
        print(entry.name, e)
os.unlink("link")
os.unlink("dangling")

print([call in os.supports_dir_fd for call in (os.open, os.stat, os.rename, os.listdir, os.chdir)])
print([call in os.supports_fd for call in (os.chdir, os.listdir, os.utime, os.open)])
print(
    [call in os.supports_follow_symlinks for call in (os.stat, os.utime, os.chmod)],
    os.access in os.supports_effective_ids,
)
os.close(os.open("t", os.O_CREAT))
for given in ((1.5, 2.25), (-1.5, 1.1), (7, 8), (1,), [1, 2], ("a", 2), (float("nan"), 1)):
    try:
        os.utime("t", given)
        print(os.stat("t").st_atime_ns, os.stat("t").st_mtime_ns)
    except (TypeError, ValueError) as e:
        print(given, type(e).__name__, e)
for given in ((5, 10**10 + 7), (1,), (1.5, 2), ("a", 2)):
    try:
        os.utime("t", ns=given)
        print(os.stat("t").st_atime_ns, os.stat("t").st_mtime_ns)
    except TypeError as e:
        print(given, e)
os.unlink("t")
print(os.pathconf(home, "PC_NAME_MAX"), os.fpathconf(1, "PC_PIPE_BUF"), os.device_encoding(os.open(home, os.O_RDONLY)))
os.rmdir(home)
