"""A shell in small: words, quotes, pipes, redirections, `;` `&&` `||` `&`.

Look for: what is typed runs in processes of its own, one for each part of a pipeline; the shell itself only forks,
dup2()s, closes and waits. What is no built-in tool is executed, so the guests that ship with kos can be typed by
name. `cd`, `exit` and `wait` have to be done by the shell's own process, and one sees why. Commands come from -c,
from a file, or from standard input; where that is empty, a small tour is shown.
Usage: sh [FILE | -- -c COMMANDS...]
"""

import os
import signal
import stat
import sys

TOUR = """
echo hello from the shell
cd /tmp
mkdir sh-tour-$$; cd sh-tour-$$
echo one two three > words; echo four >> words
cat words | wc
cat < words | grep two | wc
ls
false || echo the left side failed
true && echo the right side ran
sh -c 'exit 3'; echo status $?
nosuchtool; echo status $?
cat missing; echo status $?
yes | head 2
sleep 0.01 & wait
rm words; cd ..; rmdir sh-tour-$$
"""


class Usage(Exception):
    """A line that cannot be parsed, or a tool's complaint: one line of text."""


# --- words -------------------------------------------------------------------------------------------------------

OPERATORS = ("&&", "||", ">>", "2>", "|", ";", "&", "<", ">")


def split(line: str) -> list[tuple[str, bool]]:
    """(word as it was typed, whether it is an operator); what is quoted holds together, a comment is dropped."""
    words: list[tuple[str, bool]] = []
    i = 0
    while i < len(line) and line[i] != "#":
        if line[i].isspace():
            i += 1
            continue
        operator = next((op for op in OPERATORS if line.startswith(op, i)), None)
        if operator:
            words.append((operator, True))
            i += len(operator)
            continue
        start = i
        while i < len(line) and not line[i].isspace() and line[i] not in "|;&<>":
            if line[i] in "'\"":
                i = line.find(line[i], i + 1)
                if i < 0:
                    raise Usage("a quote is not closed")
            i += 1
        words.append((line[start:i], False))
    return words


def expand(word: str, status: int) -> str:
    """The word that is meant: without its quotes, and with $?, $$ and $NAME replaced outside of single ones."""
    out = ""
    quote = ""
    i = 0
    while i < len(word):
        c = word[i]
        i += 1
        if c in "'\"" and quote in ("", c):
            quote = "" if quote else c
        elif c != "$" or quote == "'":
            out += c
        elif word[i : i + 1] in ("?", "$"):
            out += str(status if word[i] == "?" else os.getpid())
            i += 1
        else:
            end = i
            while end < len(word) and (word[end].isalnum() or word[end] == "_"):
                end += 1
            out += os.environ.get(word[i:end], "") if end > i else "$"
            i = end
    return out


class Command:
    """One command of a pipeline: its words, and what its descriptors are to be."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.files: list[tuple[str, str]] = []  #: operator, path


def parse(words: list[tuple[str, bool]]) -> list[tuple[list[Command], str]]:
    """Pipelines, each with the operator that follows it."""
    found: list[tuple[list[Command], str]] = []
    pipeline, command = [], Command()
    rest = iter(words)
    for word, is_operator in rest:
        if not is_operator:
            command.words.append(word)
        elif word in ("<", ">", ">>", "2>"):
            path, bad = next(rest, ("", True))
            if bad:
                raise Usage(f"a file must follow {word}")
            command.files.append((word, path))
        else:
            if not command.words:
                raise Usage(f"nothing stands before {word}")
            pipeline.append(command)
            command = Command()
            if word != "|":
                found.append((pipeline, word))
                pipeline = []
    if command.words:
        pipeline.append(command)
    elif pipeline or command.files:
        raise Usage("a command is missing at the end")
    if pipeline:
        found.append((pipeline, ";"))
    if found and found[-1][1] in ("&&", "||"):
        raise Usage(f"a command must follow {found[-1][1]}")
    return found


# --- running -----------------------------------------------------------------------------------------------------


class Shell:
    """What a shell remembers."""

    def __init__(self) -> None:
        self.status = 0  #: of the last command, as $? shows it
        self.background: list[int] = []

    def run(self, text: str) -> int:
        """Every line; a line that is wrong is told and skipped."""
        for line in text.splitlines():
            try:
                self.line(line)
            except Usage as e:
                complain("sh", e)
                self.status = 2
        return self.status

    def line(self, line: str) -> None:
        skip = False
        for pipeline, after in parse(split(line)):
            if not skip:
                self.status = self.pipeline(pipeline, after == "&")
            skip = (after == "&&" and self.status != 0) or (after == "||" and self.status == 0)

    def pipeline(self, commands: list[Command], in_background: bool) -> int:
        for command in commands:  # only now: $? is what the command before has left
            command.words = [expand(word, self.status) for word in command.words]
            command.files = [(operator, expand(path, self.status)) for operator, path in command.files]
        first = commands[0].words
        if len(commands) == 1 and not in_background and first[0] in OWN:
            return OWN[first[0]](self, first[1:])
        pids = []
        source = -1
        for i, command in enumerate(commands):
            last = i == len(commands) - 1
            reading, writing = (-1, -1) if last else os.pipe()
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                for old, new in ((source, 0), (writing, 1)):
                    if old >= 0:
                        os.dup2(old, new)
                        os.close(old)
                if reading >= 0:
                    os.close(reading)
                os._exit(execute(command))
            pids.append(pid)
            for fd in (source, writing):
                if fd >= 0:
                    os.close(fd)
            source = reading
        if in_background:
            self.background += pids
            return 0
        return [code_of(os.waitpid(pid, 0)[1]) for pid in pids][-1]

    def cd(self, words: list[str]) -> int:
        try:
            os.chdir(words[0] if words else "/")
        except OSError as e:
            return complain("cd", e)
        return 0

    def exit(self, words: list[str]) -> int:
        try:
            code = int(words[0]) if words else self.status
        except ValueError:
            return complain("exit", f"{words[0]!r} is not a number", 2)
        sys.exit(code & 255)

    def wait(self, words: list[str]) -> int:
        while self.background:
            os.waitpid(self.background.pop(), 0)
        return 0


OWN = {"cd": Shell.cd, "exit": Shell.exit, "wait": Shell.wait}  #: what only the shell's own process can do


def code_of(status: int) -> int:
    """As $? has it: 128 and the signal's number for who was killed."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def complain(who: str, what: object, status: int = 1) -> int:
    if isinstance(what, OSError):
        what = f"{what.filename}: {what.strerror}" if what.filename else what.strerror
    print(f"{who}: {what}", file=sys.stderr, flush=True)
    return status


def execute(command: Command) -> int:
    """In the new process: files, then the tool, or the program in its place."""
    name, words = command.words[0], command.words[1:]
    try:
        for operator, path in command.files:
            flags = {"<": os.O_RDONLY, ">>": os.O_WRONLY | os.O_CREAT | os.O_APPEND}
            fd = os.open(path, flags.get(operator, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 0o666)
            os.dup2(fd, {"<": 0, "2>": 2}.get(operator, 1))
            os.close(fd)
        tool = TOOLS.get(name)
        if tool is None:
            return run_program(name, words)
        return tool(words) or 0
    except OSError as e:
        return complain(name, e)
    except Usage as e:
        return complain(name, e, 2)
    except ValueError:
        return complain(name, f"a number was expected: {' '.join(words)}", 2)


def run_program(name: str, words: list[str]) -> int:
    for run in (os.execv, os.execvp):  # a guest's name or a path; what PATH has
        try:
            run(name, [name, *words])
        except (FileNotFoundError, NotADirectoryError):
            pass
    return complain(name, "there is no such tool or program", 127)


# --- the tools ---------------------------------------------------------------------------------------------------


def put(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def inputs(paths: list[str]) -> list[int]:
    return [os.open(path, os.O_RDONLY) for path in paths] or [0]


def chunks(fd: int):
    while data := os.read(fd, 4096):
        yield data


def lines(paths: list[str]):
    """Lines of the files one after the other, as they come, with their ends."""
    for fd in inputs(paths):
        rest = b""
        for data in chunks(fd):
            *whole, rest = (rest + data).split(b"\n")
            yield from (line + b"\n" for line in whole)
        if rest:
            yield rest


def echo(words: list[str]) -> None:
    put(" ".join(words).encode() + b"\n")


def cat(words: list[str]) -> None:
    for fd in inputs(words):
        for data in chunks(fd):
            put(data)


def wc(words: list[str]) -> None:
    counts = [0, 0, 0]
    for line in lines(words):
        counts = [counts[0] + line.endswith(b"\n"), counts[1] + len(line.split()), counts[2] + len(line)]
    put(b"%d %d %d\n" % tuple(counts))


def grep(words: list[str]) -> int:
    if not words:
        raise Usage("usage: grep TEXT [FILE...]")
    found = [line for line in lines(words[1:]) if words[0].encode() in line]
    put(b"".join(found))
    return 0 if found else 1


def head(words: list[str]) -> None:
    left = int(words[0]) if words else 10
    for line in lines(words[1:]) if left > 0 else ():
        put(line)
        left -= 1
        if not left:
            return


def ls(words: list[str]) -> None:
    for folder in words or ["."]:
        for name in sorted(os.listdir(folder)):
            mark = "/" if stat.S_ISDIR(os.stat(os.path.join(folder, name)).st_mode) else ""
            put(f"{name}{mark}\n".encode())


def each(call):
    """A tool that does one thing with each of its words."""

    def tool(words: list[str]) -> None:
        if not words:
            raise Usage("which one?")
        for word in words:
            call(word)

    return tool


def two(call):
    """A tool that takes two paths."""

    def tool(words: list[str]) -> None:
        if len(words) != 2:
            raise Usage("two paths are needed")
        call(*words)

    return tool


def yes(words: list[str]) -> None:
    while True:
        put((" ".join(words) or "y").encode() + b"\n")


def sleep(words: list[str]) -> None:
    import time

    time.sleep(float(words[0]) if words else 1)


def kill(words: list[str]) -> None:
    number = int(words.pop(0)[1:]) if words and words[0].startswith("-") else signal.SIGTERM
    for word in words:
        os.kill(int(word), number)


TOOLS = {
    "echo": echo,
    "cat": cat,
    "wc": wc,
    "grep": grep,
    "head": head,
    "ls": ls,
    "mkdir": each(os.mkdir),
    "rmdir": each(os.rmdir),
    "rm": each(os.unlink),
    "ln": two(os.link),
    "mv": two(os.rename),
    "yes": yes,
    "sleep": sleep,
    "kill": kill,
    "pwd": lambda words: put(os.getcwd().encode() + b"\n"),
    "true": lambda words: 0,
    "false": lambda words: 1,
    "sh": lambda words: main(words),
}


def main(words: list[str]) -> int:
    shell = Shell()
    try:
        if words and words[0] == "-c":
            return shell.run("\n".join(words[1:]))
        if words:
            with open(words[0]) as f:
                return shell.run(f.read())
        return talk(shell)
    except SystemExit as e:
        return int(e.code or 0)
    except OSError as e:
        return complain("sh", e)


def talk(shell: Shell) -> int:
    """Line by line, as they are typed."""
    prompt = "$ " if os.isatty(0) else ""
    any_line = False
    while True:
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return shell.status if any_line else shell.run(TOUR)
        any_line = True
        shell.run(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
