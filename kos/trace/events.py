"""The vocabulary: every event kos can emit, with its fields and their units, declared once.

Names follow Linux's tracepoints where one exists (`tlb:tlb_flush`, `sched:sched_process_fork`, ...). Every
event also carries `ts` (ns since boot, host monotonic clock, the same for all CPUs), `cpu` and `pid`.
"""

from __future__ import annotations

from kos.trace.emit import Event

FORK = Event("proc.fork", "child_pid, pages, tables, latency_ns, policy, flags")
EXEC = Event("proc.exec", "path")
EXIT = Event("proc.exit", "status, rss_pages")
WAIT = Event("proc.wait", "child_pid, status")
SIGNAL = Event("signal.deliver", "sig, action, target_pid")
SWITCH = Event("sched.switch", "next_pid, prev_state")
WAKEUP = Event("sched.wakeup", "target_pid, target_cpu")
MIGRATE = Event("sched.migrate", "from_cpu, to_cpu")
PAGE_FAULT = Event("mm.page_fault", "vaddr, access, kind, latency_ns")
COW_COPY = Event("mm.cow_copy", "vaddr, old_pfn, new_pfn")
SHOOTDOWN = Event("tlb.shootdown", "initiator, targets, reason, pages, acks_ns, latency_ns")
TLB_FLUSH = Event("tlb.flush", "reason, pages")
IPI_SEND = Event("ipi.send", "target, vector")
IPI_RECV = Event("ipi.receive", "sender, vector")
SYSCALL = Event("syscall", "name, args, result, latency_ns")
MMAP = Event("mm.mmap", "vaddr, len_bytes, prot, flags")
MUNMAP = Event("mm.munmap", "vaddr, len_bytes")
ALLOC_FAIL = Event("mm.alloc_fail", "pages, free_frames")
OOM_KILL = Event("mm.oom_kill", "victim_pid, rss_pages, reason")
CONTEXT_SAVE = Event("context.save", "size_bytes, latency_ns, reason")
CONTEXT_RESTORE = Event("context.restore", "size_bytes, latency_ns, saved_by_cpu")
PANIC = Event("machine.panic", "reason")
