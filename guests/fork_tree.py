"""Every process forks two children, to a given depth: recursion through fork.

Look for: each process finds its own path from the root on its Python stack, though the stack was copied at every
fork; each node's number comes back through the exit statuses, so the sum at the root counts every process once. With
`--cpus N` the tree spreads over all CPUs. Usage: fork_tree [DEPTH]
"""

import os
import sys


def grow(depth: int, path: str) -> int:
    """Make the subtree below this process; how many processes it has, this one included."""
    if depth == 0:
        return 1
    pids = {}
    for branch in "LR":
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            # The child goes on in the middle of its parent's recursion, and makes its own way from here.
            os._exit(grow(depth - 1, path + branch))
        pids[pid] = branch
    counts = {}
    while pids:
        pid, status = os.wait()
        counts[pids.pop(pid)] = os.waitstatus_to_exitcode(status)
    if "R" not in path:  # the leftmost ones end from the leaf to the root: always in this order
        print(f"depth {len(path)}: below on the left {counts['L']}, on the right {counts['R']}", flush=True)
    # Exit statuses have eight bits, so a large tree is counted modulo 256.
    return (1 + counts["L"] + counts["R"]) % 256


def main() -> int:
    depth = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    total = grow(depth, "")
    expected = (2 ** (depth + 1) - 1) % 256
    print("processes:", total, "as they should be:", total == expected)
    return 0 if total == expected else 1


if __name__ == "__main__":
    sys.exit(main())
