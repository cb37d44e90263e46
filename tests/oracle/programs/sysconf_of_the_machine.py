"""os.sysconf tells of the machine's memory and CPUs, and of this process's limits."""

import os
import resource

with open("/proc/meminfo") as f:
    total_kb = int(f.readline().split()[1])
print(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 10 == total_kb, os.sysconf("SC_AVPHYS_PAGES") > 0)
print(os.sysconf("SC_NPROCESSORS_ONLN") == os.cpu_count(), os.sysconf("SC_CLK_TCK"))


def limit(which, soft):
    resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))


limit(resource.RLIMIT_NOFILE, 100)
limit(resource.RLIMIT_NPROC, 1000)
print(os.sysconf("SC_OPEN_MAX"), os.sysconf(os.sysconf_names["SC_OPEN_MAX"]), os.sysconf("SC_CHILD_MAX"))
for stack in (1 << 18, 4 << 20):
    limit(resource.RLIMIT_STACK, stack)
    print(os.sysconf("SC_ARG_MAX"))
for name in ("SC_NONE", 1.5, None, 9999, b"SC_OPEN_MAX"):
    try:
        print(os.sysconf(name))
    except (OSError, TypeError, ValueError) as e:
        print(type(e).__name__, e)
