"""`kos run`: a program's output and status are its own."""

import json


def test_hello_prints_its_line(machine):
    """The smallest program: stdout is exactly the guest's."""
    result = machine.run("hello", cpus=1)

    assert result.status == 0
    assert result.stdout.strip() != ""
    assert result.stderr == ""


def test_the_main_job_of_the_readme(kos):
    """`kos run cow_fork --cpus 4` ends well and says what it did on stderr."""
    result = kos("run", "cow_fork", "--cpus", "4")

    assert result.status == 0, result.stderr
    assert "shootdowns" in result.stderr and "forks" in result.stderr
    assert "forks" not in result.stdout.split("\n")[0]


def test_a_write_by_the_child_is_not_seen_by_the_parent(machine):
    """After fork, a private page written by one process keeps its bytes in the other."""
    result = machine.run(
        """
        import mmap, os
        page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page[:3] = b"old"
        if os.fork() == 0:
            page[:3] = b"new"
            print("child:", page[:3].decode(), flush=True)
            os._exit(0)
        os.wait()
        print("parent:", page[:3].decode())
        """,
        cpus=2,
    )

    assert (result.status, result.stdout) == (0, "child: new\nparent: old\n")


def test_arguments_after_the_program_are_its_own(machine):
    """Also those that look like options of kos, after `--`."""
    result = machine.run("import sys\nprint(sys.argv[1:])\n", "one", "--cpus", "x", cpus=1)

    assert (result.status, result.stdout) == (0, "['one', '--cpus', 'x']\n")


def test_the_exit_status_is_the_guests(machine):
    """sys.exit(7) is 7, an uncaught exception is 1 with the guest's file and line on stderr."""
    assert machine.run("import sys\nsys.exit(7)\n", cpus=1).status == 7

    failed = machine.run("def f():\n    1 / 0\nf()\n", cpus=1)
    assert failed.status == 1
    assert 'prog.py", line 2, in f' in failed.stderr
    assert failed.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


def test_a_guest_killed_by_a_signal_ends_the_run_in_the_same_way(machine):
    """`kos run` dies of the guest's signal, so whoever started it sees what a plain script would show."""
    assert machine.run("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", cpus=1).status == -9
    assert machine.run("import os\nos.abort()\n", cpus=1).status == -6


def test_stdin_reaches_the_guest(kos):
    """A guest reads the host's standard input."""
    prog = kos.program("import sys\nprint(sys.stdin.read().upper(), end='')\n")
    (kos.folder / "in").write_text("some\nlines\n")
    with open(kos.folder / "in") as stdin:
        result = kos("run", "--summary", "none", "--cpus", "1", prog, stdin=stdin)

    assert (result.status, result.stdout) == (0, "SOME\nLINES\n")


def test_a_summary_for_programs(kos):
    """`--summary json` is one JSON document on the last line of stderr."""
    result = kos("run", "cow_fork", "--cpus", "2", "--summary", "json")

    assert result.status == 0, result.stderr
    summary = result.summary
    assert summary["schema"] == "kos/summary/1"
    assert summary["forks"] >= 1 and summary["forks"] == summary["totals"]["nr_forks"]
    assert summary["faults"]["cow_copy"] == summary["copies"] >= 1
    assert len(summary["cpus"]) == summary["nr_cpus"] == 2


def test_the_log_is_json_lines_in_time_order(kos):
    """Every line an object with event, ts, cpu and pid; the CPUs' own files are gone."""
    result = kos("run", "cow_fork", "--cpus", "4", "--log", "s.jsonl", "--summary", "none")
    assert result.status == 0, result.stderr
    lines = [json.loads(line) for line in (kos.folder / "s.jsonl").read_text().splitlines()]

    assert all({"event", "ts", "cpu", "pid"} <= line.keys() for line in lines)
    assert [line["ts"] for line in lines] == sorted(line["ts"] for line in lines)
    assert {"proc.fork", "mm.page_fault", "proc.exit"} <= {line["event"] for line in lines}
    assert [p.name for p in kos.folder.glob("s.jsonl*")] == ["s.jsonl"]


def test_a_shootdown_says_who_why_and_how_long(kos):
    """The event of a shootdown names initiator, targets, reason, pages and latency."""
    prog = kos.program(
        """
        from kos import guest
        stop = guest.mmap(0, 4096, 3, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
        def spin():
            while not guest.load64(stop):
                guest.fetch_add64(stop + 8, 1)
        tid = guest.clone(spin)
        rounds = 0
        while rounds < 20:
            before = guest.load64(stop + 8)
            page = guest.mmap(0, 4096, 3, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
            guest.store64(page, 1)
            guest.munmap(page, 4096)
            rounds += guest.load64(stop + 8) != before  # the other thread ran meanwhile, on the other CPU
        guest.store64(stop, 1)
        guest.join(tid)
        """
    )
    result = kos("run", "--cpus", "2", "--log", "s", "--log-events", "tlb.shootdown", "--summary", "none", prog)
    assert result.status == 0, result.stderr
    found = [json.loads(line) for line in (kos.folder / "s").read_text().splitlines()]

    assert found and {line["event"] for line in found} == {"tlb.shootdown"}
    assert any(line["reason"] == "munmap" and line["pages"] >= 1 and line["latency_ns"] > 0 for line in found)


def test_a_bad_access_is_counted_once(kos):
    """Outside of what can be mapped, where nothing is mapped, and without the right: one fault each."""
    prog = kos.program(
        """
        import os
        from kos import guest
        page = guest.mmap(0, 4096, guest.PROT_READ, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
        for at in (1 << 63, 64, page):
            if os.fork() == 0:
                guest.store64(at, 1)
            os.wait()
        """
    )
    result = kos("run", "--summary", "json", prog)

    assert result.summary["faults"]["bad"] == 3
