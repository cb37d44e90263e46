"""/proc/sys and other texts about the machine's limits and parts, as Linux shows them. None of it can be changed."""

from __future__ import annotations

from kos.fs.procfs import register, register_link
from kos.fs.procmachine import VERSION
from kos.fs.structs import NR_FILES, NR_OPEN, PIPE_SIZE, files, inodes
from kos.hw.cpu import this
from kos.mm.limits import settings
from kos.mm.mmap import MAX_MAP_COUNT
from kos.params import PID_MAX
from kos.platform.host.rights import mmap_min_addr
from kos.sched.structs import Task, tasks


def _constant(name: str, value: object) -> None:
    register(name, lambda task: f"{value}\n")


def _self(pid: int) -> bytes:
    return b"%d" % this.task.tgid


def _thread_self(pid: int) -> bytes:
    return b"%d/task/%d" % (this.task.tgid, this.task.pid)


def _filesystems(task: Task | None) -> str:
    return "".join(f"nodev\t{name}\n" for name in ("tmpfs", "proc", "pipefs"))


register_link("self", _self, of_task=False)
register_link("thread-self", _thread_self, of_task=False)
register_link("mounts", lambda pid: b"self/mounts", of_task=False)
register("filesystems", _filesystems)
register("swaps", lambda task: "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
register("partitions", lambda task: "major minor  #blocks  name\n\n")
register("cmdline", lambda task: "\n")
register("locks", lambda task: "")
_constant("sys/kernel/ostype", "Linux")
_constant("sys/kernel/osrelease", VERSION.split()[2])
_constant("sys/kernel/version", "#1 SMP")
_constant("sys/kernel/hostname", "kos")
_constant("sys/kernel/pid_max", PID_MAX)
register("sys/kernel/threads-max", lambda task: f"{tasks.capacity}\n")
register("sys/vm/overcommit_memory", lambda task: f"{settings.mode}\n")
register("sys/vm/overcommit_ratio", lambda task: f"{settings.ratio}\n")
_constant("sys/vm/max_map_count", MAX_MAP_COUNT)
_constant("sys/vm/mmap_min_addr", mmap_min_addr())
_constant("sys/vm/swappiness", 0)
_constant("sys/fs/file-max", NR_FILES)
_constant("sys/fs/nr_open", NR_OPEN)
_constant("sys/fs/pipe-max-size", PIPE_SIZE)
register("sys/fs/file-nr", lambda task: f"{files.head.nr_used}\t0\t{NR_FILES}\n")
register("sys/fs/inode-nr", lambda task: f"{inodes.head.nr_used}\t0\n")
