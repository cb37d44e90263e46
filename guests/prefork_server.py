"""A prefork server in small: workers, forked before there is work, take requests from one shared pipe.

Look for: all workers read the same pipe and whichever runs gets the next request, since a request is shorter than
PIPE_BUF and so never torn; each answers with a checksum of a table that it inherited, which no one copied; the
parent's kill ends them at the end. Which worker took what differs from run to run, so that is not printed.
Usage: prefork_server [WORKERS] [REQUESTS]
"""

import os
import signal
import struct
import sys
import zlib

from kos import guest

REQUEST = struct.Struct("=II")  # number, row
ANSWER = struct.Struct("=III")  # number, checksum, worker
ROW = 256
ROWS = 256


def serve(worker: int, requests: int, answers: int, table: int) -> None:
    while data := os.read(requests, REQUEST.size):
        number, row = REQUEST.unpack(data)
        checksum = zlib.crc32(guest.load(table + row * ROW, ROW))
        os.write(answers, ANSWER.pack(number, checksum, worker))


def main() -> int:
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    table = guest.mmap(0, ROWS * ROW, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
    rows = [bytes([row, 255 - row]) * (ROW // 2) for row in range(ROWS)]
    for row, data in enumerate(rows):
        guest.store(table + row * ROW, data)

    requests_r, requests_w = os.pipe()
    answers_r, answers_w = os.pipe()
    pids = []
    for worker in range(workers):
        pid = os.fork()
        if pid == 0:
            os.close(requests_w)
            os.close(answers_r)
            serve(worker, requests_r, answers_w, table)
            os._exit(0)
        pids.append(pid)
    os.close(answers_w)

    sent = answered = wrong = 0
    busy: dict[int, int] = {}
    while answered < count:
        # A few requests ahead, never so many that both pipes could be full at once.
        while sent < count and sent - answered < 2 * workers:
            os.write(requests_w, REQUEST.pack(sent, sent * 7 % ROWS))
            sent += 1
        number, checksum, worker = ANSWER.unpack(os.read(answers_r, ANSWER.size))
        wrong += checksum != zlib.crc32(rows[number * 7 % ROWS])
        busy[worker] = busy.get(worker, 0) + 1
        answered += 1
    print("requests answered:", answered, "wrong:", wrong)
    print("every answer came from a worker:", sum(busy.values()) == count and set(busy) <= set(range(workers)))

    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    ends = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids}
    print("workers ended by:", sorted(signal.Signals(-end).name for end in ends))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
