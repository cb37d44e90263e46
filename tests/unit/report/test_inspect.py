"""kos/report/inspect.py: a machine seen from outside, by somebody who only reads."""

import json

import pytest

from kos.cli.main import main
from kos.errors import HostError
from kos.hw.cpu import CPU_RUNNING, cpu_block
from kos.mm.structs import VM_READ, VM_STACK, VM_WRITE, mms, vmas
from kos.report import inspect
from kos.sched.structs import RUNNING, processes, tasks


@pytest.fixture
def populated(arena):
    """A machine with one process of two areas, which runs on CPU 0."""
    mm = mms.alloc()
    parent, process, task = processes.alloc(), processes.alloc(), tasks.alloc()
    low, high = vmas.alloc(), vmas.alloc()
    low.start, low.end, low.flags, low.next = 0x1000, 0x3000, VM_READ, high.index
    high.start, high.end, high.flags = 0x7FF0000000, 0x7FF0004000, VM_READ | VM_WRITE | VM_STACK
    mm.first_vma, mm.total_vm, mm.rss_anon = low.index, 6, 3
    parent.pid = 1
    process.pid, process.parent = 2, parent.index
    task.pid = task.tgid = 2
    task.process, task.mm, task.state, task.comm = process.index, mm.index, RUNNING, b"hello"
    block = cpu_block(0)
    block.state, block.current_pid, block.host_pid = CPU_RUNNING, 2, 4711
    return arena


def test_tasks_are_shown_as_ps_shows_them(populated):
    (view,) = inspect.task_views()

    assert view == inspect.TaskView(2, 2, 1, 0, "R", 6 * 4096, 3 * 4096, "hello")
    assert inspect.render_tasks().splitlines()[1].split() == ["2", "2", "1", "0", "R", "24", "12", "hello"]


def test_maps_are_those_of_proc(populated):
    assert inspect.render_maps(2).splitlines() == [
        "000000001000-000000003000 r--p 00000000",
        "007ff0000000-007ff0004000 rw-p 00000000  [stack]",
    ]
    with pytest.raises(HostError, match="no process 9"):
        inspect.render_maps(9)


def test_a_list_that_runs_in_a_circle_does_not_hang_the_observer(populated):
    """A walk is bounded, whatever the arena holds."""
    second = vmas[vmas[mms[1].first_vma].next]
    second.next = mms[1].first_vma

    assert len(inspect.vma_views(2)) == 1 << 17


def test_the_command_attaches_by_name(populated, capsys):
    """As a process that has nothing to do with the machine would; the machine is still there afterwards."""
    name = populated.block.name

    assert main(["inspect", name.removeprefix("kos-"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cpus"][0]["current_pid"] == 2 and document["tasks"][0]["comm"] == "hello"
    assert main(["inspect", name]) == 0
    assert "4711" in capsys.readouterr().out
    assert name.removeprefix("kos-") in inspect.machines()


@pytest.mark.parametrize("name", ["no-such-machine", "../etc/passwd", ""])
def test_a_machine_that_is_not_there(name, capsys):
    assert main(["inspect", name]) == 2
    assert capsys.readouterr().err.startswith(f"kos inspect: no machine named {name!r}")
