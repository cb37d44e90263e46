"""What the lint does not see: packages are whole, doors stay where they are, starting is cheap.

The order of the layers and the rule that kos/platform alone names the host are checked by import-linter and
ruff (`tox -e lint`); their tables stand in pyproject.toml.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "kos").glob("**/*.py"))


def imports(path: Path) -> set[str]:
    """Names of all modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def test_every_folder_of_kos_is_a_package():
    """A folder without __init__.py would be missing from the wheel."""
    folders = {path.parent for path in SOURCES}

    assert [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()] == []


def test_guests_use_only_their_door():
    """A guest that ships with kos imports kos.guest and nothing else of kos."""
    for path in (ROOT / "guests").glob("*.py"):
        of_kos = {name for name in imports(path) if name == "kos" or name.startswith("kos.")}
        assert of_kos <= {"kos", "kos.guest"} | {n for n in of_kos if n.startswith("kos.guest.")}, path.name


def test_a_check_that_is_switched_off_says_why():
    """`# type: ignore` and `# noqa` carry a code and a reason."""
    bad = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in re.finditer(r"# (type: ignore|noqa|pragma: no cover)(.*)", line):
                reason = re.sub(r"^(\[[\w, -]+\]|: ?[A-Z0-9, ]+)", "", match[2]).strip()
                if match[1] != "pragma: no cover" and match[2][:1] not in ("[", ":"):
                    bad.append(f"{path.relative_to(ROOT)}:{number}: which check?")
                elif not re.search(r"\w", reason):
                    bad.append(f"{path.relative_to(ROOT)}:{number}: why?")
    assert bad == []


HEAVY = {"numpy", "structlog", "psutil", "rich", "multiprocess", "asyncio", "hypothesis"}


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], ()),
        (["--version"], ()),
        (["guests"], ()),
        # The policies in use are imported and asked for their options; they need arrays.
        (["plugins"], ("numpy", "multiprocess")),
        (["run", "--help"], ("numpy", "multiprocess")),
    ],
    ids=" ".join,
)
def test_looking_around_imports_nothing_heavy(words, allowed):
    """`kos --help` starts fast: no numpy; nothing but `--log` brings structlog in."""
    code = f"""
import json, sys
from kos.cli.main import main
try:
    main({words!r})
except SystemExit:
    pass
print(json.dumps(sorted({HEAVY!r} & set(sys.modules))), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert set(json.loads(done.stderr.splitlines()[-1])) <= set(allowed)


def test_the_reference_is_what_the_code_says():
    """docs/reference is generated: python docs/generate.py."""
    done = subprocess.run([sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_readme_has_two_command_lines():
    """.ci/run runs exactly these."""
    lines = re.findall(r"^    (python3 .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert len(lines) == 2
    assert lines[0].endswith("kos run cow_fork --cpus 4") and lines[1].endswith("tox")


def test_every_file_that_the_docs_name_exists():
    """`kos/...`, `docs/...`, `plugins/`, `guests/` and `tests/` in README, CONTRIBUTING and docs/ are real."""
    missing = []
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "tests/README.md",
        *(ROOT / "docs").glob("**/*.md"),
    ]:
        for name in re.findall(r"`((?:kos|docs|plugins|guests|tests)/[\w./-]*)`", page.read_text()):
            if not (ROOT / name).exists():
                missing.append(f"{page.name}: {name}")
    assert missing == []
