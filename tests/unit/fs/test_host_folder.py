"""kos/fs/hostfs.py: the program's folder at its own path, read-only; nothing else of the host's files."""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from kos.errors import GuestFault
from kos.fs import boot
from kos.fs.programs import find_program, resolve
from kos.fs.structs import inodes


@pytest.fixture
def folder(k: Any, tmp_path: Path) -> Path:
    shown = tmp_path / "shown"
    (shown / "prog.py").write_text("print('hi')\n")
    (shown / "data").mkdir()
    (shown / "data" / "text").write_bytes(b"0123456789" * 1000)
    (shown / "ln").symlink_to("data/text")
    (shown / "out").symlink_to("/etc/passwd")
    (tmp_path / "secret").write_text("not for guests")
    return shown


def test_files_can_be_opened_read_and_listed(k: Any, folder: Path):
    fd = k.open(str(folder / "data" / "text"), os.O_RDONLY, 0)
    assert k.read(fd, 5) == b"01234" and k.pread(fd, 20000, 9995) == b"56789"
    assert k.listdir(str(folder)) == os.listdir(folder)
    assert k.read_file(str(folder / "ln")) == b"0123456789" * 1000
    st, host = k.stat(str(folder / "prog.py")), os.stat(folder / "prog.py")
    assert st[:4] == (host.st_mode, host.st_ino, host.st_dev, host.st_nlink) and st[6] == host.st_size
    assert k.readlink(str(folder / "ln")) == "data/text"


def test_nothing_can_be_changed(k: Any, folder: Path):
    prog = str(folder / "prog.py")
    assert k.errno("open", prog, os.O_RDWR, 0) == errno.EROFS
    assert k.errno("open", prog + "x", os.O_CREAT | os.O_WRONLY, 0o600) == errno.EROFS
    assert k.errno("open", prog, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600) == errno.EEXIST
    assert k.errno("unlink", prog) == errno.EROFS and k.errno("rmdir", str(folder / "data")) == errno.EROFS
    assert k.errno("mkdir", str(folder / "new"), 0o755) == errno.EROFS
    assert k.errno("rmdir", str(folder)) == errno.EBUSY
    assert k.errno("rename", prog, "/tmp/x") == errno.EXDEV and k.errno("link", prog, "/tmp/x") == errno.EXDEV
    assert k.errno("chmod", prog, 0o600) == errno.EROFS and k.errno("truncate", prog, 0) == errno.EROFS
    assert k.access(prog, 4) and not k.access(prog, 2)


def test_nothing_else_is_seen(k: Any, folder: Path):
    """Not what lies beside the folder, not the rest of the host, and no link leads out."""
    assert k.listdir(str(folder.parent)) == ["shown"]
    assert k.errno("open", str(folder.parent / "secret"), os.O_RDONLY, 0) == errno.ENOENT
    assert k.errno("open", "/etc/passwd", os.O_RDONLY, 0) == errno.ENOENT
    assert k.errno("open", str(folder / "out"), os.O_RDONLY, 0) == errno.ENOENT


def test_host_inodes_are_only_a_cache(k: Any, folder: Path):
    """With the last user they are gone; a later look sees what the host has then."""
    before = inodes.head.nr_used
    fd = k.open(str(folder / "data" / "text"), os.O_RDONLY, 0)
    assert inodes.head.nr_used > before
    k.close(fd)
    assert inodes.head.nr_used == before
    (folder / "data" / "text").write_text("new")
    assert k.read_file(str(folder / "data" / "text")) == b"new"


def test_tmp_below_and_around_the_folder_stays_writable(k: Any, folder: Path):
    """The folder lies in the host's /tmp here, and does not hide the guests' own."""
    assert str(folder).startswith("/tmp/")
    k.mkdir("/tmp/mine", 0o755)
    k.close(k.open("/tmp/mine/f", os.O_CREAT | os.O_WRONLY, 0o600))
    assert sorted(k.listdir("/tmp")) == sorted(["mine", str(folder).split("/")[2]])


def test_a_program_that_lies_in_tmp_itself(k: Any, tmp_path: Path):
    """Then /tmp shows the host's files through, and its own before them."""
    name = f"kos-unit-{os.getpid()}.py"
    path = Path("/tmp") / name
    path.write_text("x = 1\n")
    try:
        boot.show_folder("/tmp")
        assert k.read_file(str(path)) == b"x = 1\n" and name in k.listdir("/tmp")
        assert k.errno("unlink", str(path)) == errno.EROFS
        k.close(k.open("/tmp/own", os.O_CREAT | os.O_WRONLY, 0o600))
        k.unlink("/tmp/own")
    finally:
        path.unlink()


def test_programs_by_path_and_by_name(k: Any, folder: Path):
    """What execve runs, and the errno of what it does not."""

    def fails(name: str) -> int:
        with pytest.raises(GuestFault) as e:
            find_program(name)
        return e.value.errno

    prog = str(folder / "prog.py")
    assert [find_program(prog), find_program("prog"), find_program("prog.py")] == [prog] * 3
    k.close(k.open("/tmp/plain", os.O_CREAT | os.O_WRONLY, 0o644))
    k.close(k.open("/tmp/empty", os.O_CREAT | os.O_WRONLY, 0o755))
    fd = k.open("/tmp/script", os.O_CREAT | os.O_WRONLY, 0o755)
    k.write(fd, b"#!/usr/bin/env python3\n")
    assert find_program("/tmp/script") == "/tmp/script"
    k.chdir("/tmp")
    assert [find_program(x) for x in ("script", "./script")] == ["script", "./script"]
    assert [fails(x) for x in ("/tmp/none", "/tmp/plain/x", "/tmp/plain", "/tmp/empty", "/tmp", "")] == [
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.ENOEXEC,
        errno.EACCES,
        errno.ENOENT,
    ]


def test_python_itself_can_be_run(k: Any, folder: Path):
    """execv(sys.executable, [...]) means the program behind Python's own options."""
    prog = str(folder / "prog.py")
    assert resolve(prog, ["x", "y"]) == (prog, ["x", "y"])
    assert resolve(sys.executable, ["py", "-u", "-X", "dev", prog, "-c"]) == (prog, [prog, "-c"])
    assert resolve(sys.executable, ["py", "-I", "-c", "pass", "x"]) == ("-c\0pass", ["-c", "x"])
    for argv in (["py"], ["py", "-c"], ["py", "-"]):
        with pytest.raises(GuestFault) as e:
            resolve(sys.executable, argv)
        assert e.value.errno == errno.ENOEXEC


def test_the_first_programs_directory_is_made_where_guests_see_nothing(k: Any, tmp_path: Path):
    """The host's current directory exists, and is empty."""
    from kos.fs import fsctx
    from kos.fs.structs import inodes as table

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "hidden").write_text("")
    fs = boot.first_context(str(elsewhere))
    assert stat.S_ISDIR(table[fs.cwd].mode)
    assert k.listdir(str(elsewhere)) == []
    fsctx.put_context(fs)
