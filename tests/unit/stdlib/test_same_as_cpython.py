"""Each expression gives under the emulated modules what it gives under CPython's: the value, or the same error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("fake_kos.py")

CASES = {
    "os": """
        os.read('x', 1) | os.read(0, -1) | os.write(1, 'x') | os.write(1, 5) | os.open(5, 0) | os.open('/nonexist', 0)
        os.open('a\\0b', 0) | os.stat('/none') | os.stat(1.5) | os.rename('/none', '/y') | os.link('/none', '/y')
        os.close('x') | os.close(1 << 40) | os.dup2(99, 98) | os.pipe(1) | os.lseek(0, 'x', 0) | os.kill('x', 1)
        os.waitpid(-1, 0) | os.wait() | os.wait3(0) | os.wait4(99999, 0) | os.waitid(99, 0, 0)
        os.waitid(os.P_ALL, 0, os.WEXITED) | os._exit('x') | os.execv('/none', []) | os.execv('/none', 5)
        os.execv('/none', ['']) | os.execv('/none', ['a', 5]) | os.execve('/none', ['a'], 5)
        os.execve('/none', ['a'], {'a': 5}) | os.execve('/none', ['a'], {5: 'a'}) | os.execve('/none', ['a'], {'': 'a'})
        os.execvp('nonexx', ['a']) | os.putenv('a=b', 'c') | os.putenv('a', 'c\\0') | os.environ.__setitem__('a', 5)
        os.environ['nope'] | os.environ.__delitem__('nope') | os.unsetenv('a=b') | os.unsetenv('') | os.readv(0, 5)
        os.readv(0, [b'x']) | os.readv(0, ['x']) | os.writev(1, ['x']) | os.writev(1, 5) | os.mkdir('/none/x')
        os.listdir('/none') | os.listdir(99) | os.chdir('/none') | os.chdir(99) | os.fdopen('x')
        os.sched_setaffinity(0, []) | os.sched_setaffinity(0, ['x']) | os.sched_setaffinity(0, [-1])
        os.sched_setaffinity(0, 5) | os.sched_getaffinity(-5) | os.waitstatus_to_exitcode(0x137f)
        os.setpriority(9, 9, 9) | os.nice('x') | os.register_at_fork() | os.register_at_fork(before=5)
        os.register_at_fork(5) | os.truncate('/none', 5) | os.truncate(99, 5) | os.ftruncate(99, 5)
        os.get_terminal_size(99) | os.set_blocking(99, True) | os.memfd_create(5) | os.access('/none', 0)
        os.access('/none', 'x') | os.readlink('/none') | os.umask('x') | os.removedirs('/none') | os.utime('/none')
        os.posix_spawn('/none', [], {}) | os.posix_spawn('/none', 5, {}) | os.posix_spawn('/none', [''], {})
        os.posix_spawn('/none', ['a'], {}, file_actions=5) | os.posix_spawn('/none', ['a'], {}, file_actions=[5])
        os.posix_spawn('/none', ['a'], {}, file_actions=[(5,)])
        os.posix_spawn('/none', ['a'], {}, file_actions=[()])
        os.posix_spawn('/none', ['a'], {}, setpgroup='x') | os.posix_spawn('/none', ['a'], {}, setsigmask=5)
        os.posix_spawn('/none', ['a'], {}, setsigmask=[0]) | os.posix_spawn('/none', ['a'], {}, resetids=None)
        os.posix_spawn('/none', ['a'], {}, bad=1) | os.pread(0, -1, 0) | os.fork(1) | os.fchdir('x') | os.fstat('x')
        os.getpgid(-9) | os.getsid(-9) | os.getcwd() | os.stat('/') | os.path.exists('/none') | os.path.isdir('/')
        os.path.abspath('x/../y') | os.path.realpath('/proc/self/..') | os.path.getsize('/none')
        os.path.join('a', 'b')
        os.path.expandvars('$HOME/$NOPE/${HOME}') | os.path.expanduser('~/x') | os.path.relpath('/a/b', '/a/c')
        os.path.samefile('/', '/.') | os.path.islink('/proc/self') | os.path.ismount('/') | os.path.basename('/a/b')
        os.environ.get('HOME') | repr(os.environ)[:9] | os.getenv('NOPE', 5) | os.get_exec_path()
        os.get_exec_path({'PATH': 'a:b'}) | os.isatty(99) | os.get_inheritable(99) | os.getpriority(0, 0) | os.nice(0)
        os.lstat('/proc/self').st_mode | os.sysconf('SC_PAGE_SIZE') | os.getpgrp() == os.getpgid(0) | os.killpg(-5, 0)
    """,
    "signal": """
        signal.signal(0, 0) | signal.signal('x', 0) | signal.signal(10, 99) | signal.signal(10, None)
        signal.getsignal(0) | signal.getsignal('x') | signal.getsignal(9) | signal.getsignal(32) | signal.getsignal(15)
        signal.alarm('x') | signal.setitimer(0, -1) | signal.setitimer(0, 'x') | signal.setitimer(99, 1)
        signal.getitimer(99) | signal.raise_signal('x') | signal.pthread_sigmask(0, 5)
        signal.pthread_sigmask(0, ['x']) | signal.pthread_sigmask(0, [0]) | signal.pthread_sigmask(99, [1])
        signal.pthread_sigmask(0, []) | signal.sigwait(5) | signal.sigwait([0]) | signal.siginterrupt(0, 1)
        signal.siginterrupt(9, 1) | signal.strsignal(11) | len(signal.valid_signals()) | signal.setitimer(0, 1e30)
        signal.alarm(1 << 40) | signal.sigpending() | signal.SIGINT
        issubclass(signal.ItimerError, OSError) | signal.Signals(9) | signal.NSIG | repr(signal.SIG_BLOCK)
    """,
    "time": """
        time.sleep('x') | time.sleep(-1) | time.sleep(1e30) | time.sleep(float('nan')) | time.sleep(0)
        time.clock_gettime(99) | time.gmtime(0) | time.monotonic() > 0
    """,
    "resource": """
        resource.getrlimit(99) | resource.getrlimit('x') | resource.setrlimit(99, (1, 1)) | resource.setrlimit(7, 5)
        resource.setrlimit(7, (1,)) | resource.setrlimit(7, (5, 2)) | resource.setrlimit(7, ('x', 1))
        resource.setrlimit(7, (1 << 70, 1)) | resource.getrusage(99) | resource.getrlimit(4) | resource.RLIM_INFINITY
        resource.prlimit(-1, 7) | resource.getrlimit(resource.RLIMIT_NOFILE) | type(resource.getrusage(0))
    """,
    # Of a descriptor beyond the process's table (64 at first) Linux's select() says nothing, and waits.
    "select": """
        select.select(1, 2, 3) | select.select([], [], [], 'x') | select.select([], [], [], -1)
        select.select([-1], [], []) | select.select([5000], [], []) | select.select(['x'], [], [])
        select.select([50], [], []) | select.poll(1) | select.select([], [], [], 0) | select.poll().poll(0)
        select.poll().register('x') | select.poll().register(-1) | select.poll().register(1, -1)
        select.poll().register(1, 99999) | select.poll().register(1, 'x') | select.poll().modify(5, 1)
        select.poll().unregister(5) | select.poll().poll('x') | select.PIPE_BUF
    """,
    "fcntl": """
        fcntl.fcntl('x', 1) | fcntl.fcntl(99, 1) | fcntl.fcntl(1, 99) | fcntl.fcntl(1, 1, 1.5) | fcntl.fcntl(1, 'x')
        fcntl.fcntl(-1, 1) | fcntl.fcntl(1, fcntl.F_DUPFD, -1) | fcntl.ioctl(99, 5)
    """,
    "mmap": """
        m['x'] | m[99] | m.__setitem__(0, 'x') | m.__setitem__(0, 300) | m.__setitem__('a', 1)
        m.__setitem__(slice(0, 2), b'x') | m.__delitem__(0) | mmap.mmap(-1, 0) | mmap.mmap(-1, -1) | mmap.mmap(-1, 'a')
        mmap.mmap(999, 10) | m.seek(99) | m.seek(0, 9) | m.move(0, 1, 99) | m.write(b'x' * 17) | m.read('x')
        m.write_byte('x') | m.write_byte(256) | m.flush(1, 2) | m.flush(0, 99) | m.madvise(99)
        m.madvise(mmap.MADV_NORMAL, 99) | m.find('x') | m.resize(-1) | hash(m) == 1 | m == bytes(m) | b'ab' + m
        m.find(b'', 20) | m.read_byte() | m.__setitem__(slice(0, 2), 5) | m.__setitem__(slice(0, 4, 2), b'ab')
        m[::3] | m[5:2] | m[::-1] | m[10:2:-3] | m.seek(2, 2) | m.seek(-2, 2) | m.flush() | m.readline() | m.read(-1)
        m.read(None) | mmap.mmap(-1, 10, access=9)
        mmap.mmap(-1, 10, prot=1, access=1) | mmap.mmap(-1, 10, offset=1) | mmap.mmap(-1, 1 << 70)
        m.madvise(mmap.MADV_NORMAL, -1) | m.madvise(mmap.MADV_NORMAL, 0, -1) | m.move(-1, 0, 1) | m.closed | len(m)
        mmap.mmap(-1, 10, bad=4) | m | list(m) | b'x' in m | m.seek(3) | m.tell() | m.write(b'hello') | m[:]
        m.find(b'l') | m.find(b'l', 0) | m.rfind(b'l', 0) | m.find(b'l', -12, -9) | m.move(0, 3, 5) | m[0:8] | m[-1]
        m.__setitem__(slice(None, None, 5), bytes(4)) | zlib.crc32(m) | b''.join([m, m]) | bytearray(m)
        zlib.crc32(memoryview(m)[2:]) | b'a' in memoryview(m)
        struct.pack_into('<I', m, 4, 7) | struct.unpack_from('<I', m, 4) | int.from_bytes(m, 'big') | sum(m[:])
        memoryview(m)[2:6].tobytes() | memoryview(m).cast('I')[1] | memoryview(m).cast('I').tolist() | mmap.PAGESIZE
        memoryview(m).nbytes | memoryview(m)[::2].tolist() | memoryview(m)[99] | memoryview(m)['x'] | m.closed
        memoryview(m).__setitem__(0, 65) | memoryview(m).__setitem__(slice(0, 2), b'yz') | m[:4]
        memoryview(m).__setitem__(0, 256) | memoryview(m).__setitem__(slice(0, 2), b'x') | memoryview(m).cast('Q')[0]
        memoryview(m) == m[:] | memoryview(m).cast('Z') | memoryview(m)[1:].cast('I') | memoryview(m).readonly
        isinstance(memoryview(m), memoryview) | isinstance(memoryview(b'x'), memoryview) | memoryview(m).format
        len(memoryview(m).cast('H')[1:3]) | memoryview(m).toreadonly().__setitem__(0, 1)
        memoryview(5) | memoryview(m).shape
        m.close() | m.closed | len(m) | m[0] | repr(m) | m.tell() | m.read() | m.close() | memoryview(b'ab')[0]
    """,
}


@pytest.mark.parametrize("module", CASES)
def test_value_or_error_is_the_hosts(module: str) -> None:
    """In a process without children (`os.wait` is tried) whose only descriptors are 0, 1, 2 and 3."""
    expressions = [part.strip() for line in CASES[module].splitlines() for part in line.split(" | ") if part.strip()]

    done = subprocess.run(
        [sys.executable, FAKE, module], input=json.dumps(expressions), capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    pairs = dict(zip(expressions, json.loads(done.stdout), strict=True))
    assert {e: pair for e, pair in pairs.items() if pair[0] != pair[1]} == {}
