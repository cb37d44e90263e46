"""wait3 and wait4 give a struct_rusage; times and getrusage have their types and never run backwards."""

import os
import resource

pid = os.fork()
if pid == 0:
    sum(range(20000))
    os._exit(1)
got, status, usage = os.wait4(pid, 0)
print(got == pid, status, type(usage).__name__, len(usage), usage.ru_utime >= 0)
pid = os.fork()
if pid == 0:
    os._exit(2)
print(os.wait3(0)[1], type(os.times()).__name__, len(os.times()))
first = resource.getrusage(resource.RUSAGE_SELF)
sum(range(20000))
second = resource.getrusage(resource.RUSAGE_SELF)
print(second.ru_utime + second.ru_stime >= first.ru_utime + first.ru_stime, second.ru_maxrss > 0)
