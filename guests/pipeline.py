"""A shell's pipeline by hand: `numbers | squares | sum`, three processes and two pipes.

Look for: each stage has the pipe as its standard input or output (dup2), a stage ends when the one before it has closed
its end, and everything is forgotten of the ends that were not closed: leave one close() out and the pipeline hangs.
Usage: pipeline [COUNT]
"""

import os
import sys


def numbers(count: int) -> None:
    for i in range(count):
        os.write(1, b"%d\n" % i)


def squares(_: int) -> None:
    with os.fdopen(0) as lines, os.fdopen(1, "w") as out:
        for line in lines:
            print(int(line) ** 2, file=out)


def total(count: int) -> None:
    with os.fdopen(0) as lines:
        found = sum(int(line) for line in lines)
    expected = sum(i * i for i in range(count))
    print("sum of squares:", found, "right:", found == expected, flush=True)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    stages = [numbers, squares, total]
    pids = []
    source = -1
    for i, stage in enumerate(stages):
        last = i == len(stages) - 1
        reading, writing = (-1, -1) if last else os.pipe()
        pid = os.fork()
        if pid == 0:
            if source >= 0:
                os.dup2(source, 0)
                os.close(source)
            if not last:
                os.dup2(writing, 1)
                os.close(writing)
                os.close(reading)
            stage(count)
            os._exit(i)
        pids.append(pid)
        if source >= 0:
            os.close(source)
        if not last:
            os.close(writing)
            source = reading
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    print("exit codes of the stages:", codes)
    return 0 if codes == [0, 1, 2] else 1


if __name__ == "__main__":
    sys.exit(main())
