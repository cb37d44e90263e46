"""Who belongs to whom: parents and children, children with news for wait(), process groups and sessions.

Everything here is under tasklist_lock. Children hang on processes, not on tasks: any thread may wait for a child that
another one forked. A child that wait() may have something to say about is also on its parent's report list, in
the order of the children's birth (the order in which Linux's do_wait() finds them), so that a wait among ten
thousand living children does not look at each.
"""

from __future__ import annotations

from kos.arena.list import LinkedList
from kos.sched.pid import get_pid, put_pid
from kos.sched.structs import PL_ZOMBIE, Process, machine, pid_groups, processes

_children = LinkedList(
    Process, processes, head="first_child", tail="last_child", next="next_sibling", prev="prev_sibling"
)
_reports = LinkedList(
    Process, processes, head="first_report", tail="last_report", next="next_report", prev="prev_report"
)
children_of = _children.items  #: oldest first
reports_of = _reports.items  #: children with news, oldest first


def link_child(child: Process, parent: Process) -> None:
    """The child becomes the youngest of parent's children."""
    child.parent = parent.index
    _children.append(parent, child)
    parent.nr_children += 1


def unlink_child(child: Process) -> None:
    """The child leaves its parent's lists."""
    remove_report(child)
    parent = processes[child.parent]
    _children.remove(parent, child)
    child.parent = 0
    parent.nr_children -= 1


def add_report(child: Process) -> None:
    """wait() may have something to say about this child."""
    if child.on_report:
        return
    parent = processes[child.parent]
    # From the end: children mostly report in the order of their birth.
    after, before = 0, parent.last_report
    while before and processes[before].age > child.age:
        after, before = before, processes[before].prev_report
    _reports.insert_before(parent, child, after)
    child.on_report = 1


def remove_report(child: Process) -> None:
    """There is nothing to say about this child any more."""
    if child.on_report:
        _reports.remove(processes[child.parent], child)
        child.on_report = 0


# --- process groups and sessions -------------------------------------------------------------------------


def join_group(process: Process, pgid: int) -> None:
    """Put a process that is in no group into group `pgid`, which it founds where it is the first."""
    groups = pid_groups.v
    first = groups[pgid]
    process.pgid = pgid
    process.pg_prev = 0
    process.pg_next = first
    if first:
        processes[first].pg_prev = process.index
    groups[pgid] = process.index
    get_pid(pgid)


def leave_group(process: Process) -> None:
    """Take a process out of its group; an empty group's number may be used again."""
    groups = pid_groups.v
    before, after = process.pg_prev, process.pg_next
    if before:
        processes[before].pg_next = after
    else:
        groups[process.pgid] = after
    if after:
        processes[after].pg_prev = before
    put_pid(process.pgid)
    process.pgid = process.pg_next = process.pg_prev = 0


def group_members(pgid: int) -> list[Process]:
    """The processes of a group, zombies included; [] when there is no such group."""
    found = []
    i = pid_groups.v[pgid] if 0 < pgid < len(pid_groups.v) else 0
    while i:
        p = processes[i]
        found.append(p)
        i = p.pg_next
    return found


def is_orphaned_group(pgid: int, leaving: Process | None = None) -> bool:
    """Has no member a parent in another group of its session? Nobody is left to continue it then.

    leaving: a process that is about to exit and does not count. Linux: will_become_orphaned_pgrp().
    """
    for p in group_members(pgid):
        if p is leaving or p.life & PL_ZOMBIE or p.parent in (0, machine.s.init):
            continue
        parent = processes[p.parent]
        if parent.pgid != pgid and parent.sid == p.sid:
            return False
    return True
