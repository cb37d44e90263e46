"""kos/plugin/find.py, choose.py, settings.py: which plugins take part, and which mistakes are told how."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kos.errors import UsageError
from kos.plugin.choose import choose
from kos.plugin.find import shipped_names
from kos.plugin.load import Active, activate
from kos.plugin.roles import ROLES

Write = Callable[..., str]
FORK = """
    from kos.api import ForkPolicy, hookimpl, share_range

    class Mine:
        name = "mine"
        def copy_range(self, old, new, vma):
            share_range(old, new, vma.start, vma.end)
        def must_flush(self):
            return True

    @hookimpl
    def kos_fork_policy():
        return Mine()
"""


def holders(active: Active, kind: str) -> list[str]:
    return [holder.plugin.name for holder in active.holders[kind]]


def message(*words: object, **settings: str) -> str:
    """The one line that a mistake gives."""
    with pytest.raises(UsageError) as caught:
        activate(words, {name.replace("__", "."): text for name, text in settings.items()})
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_without_plugins_every_role_has_its_default() -> None:
    active = activate()

    assert [h.plugin.name for held in active.holders.values() for h in held] == [
        role.default for role in ROLES.values() if role.default
    ]


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_plugin_takes_its_role(name: str) -> None:
    """A shipped plugin, named, is active, and opens with a line that says what it follows."""
    active = activate([name])

    plugin = next(p for p in active.plugins if p.name == name)
    assert active.is_used(plugin)
    assert len(plugin.summary()) > 40
    kind = name.partition("_")[0]
    if kind in ROLES:
        assert name in holders(active, kind)


def test_a_file_replaces_the_default(write: Write) -> None:
    active = activate([write(FORK)])

    holder = active.holders["fork"][0]
    assert (holder.plugin.name, [p.name for p in holder.replaced]) == ("mine", ["fork_cow"])


def test_a_module_and_an_object_are_plugins_too(write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(FORK, "some_module.py")
    monkeypatch.syspath_prepend(str(folder))
    by_module = activate(["some_module"])
    from kos_plugins.fork_eager import EagerFork

    def kos_fork_policy() -> EagerFork:
        return EagerFork()

    by_function = activate([kos_fork_policy])

    assert (holders(by_module, "fork"), holders(by_function, "fork")) == (["some_module"], ["kos_fork_policy"])


def test_the_nearest_source_wins(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The command line beats KOS_PLUGINS, which beats kos.toml, which beats the default."""
    (folder / "kos.toml").write_text('plugins = ["fork_eager", "sched_fair", "tlb_unlimited"]')
    monkeypatch.setenv("KOS_PLUGINS", "fork_cow_stack, sched_fair")

    active = activate(["sched_rr"])

    assert (holders(active, "sched"), holders(active, "fork"), holders(active, "tlb")) == (
        ["sched_rr"],
        ["fork_cow_stack"],
        ["tlb_unlimited"],
    )


def test_no_blocks_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOS_PLUGINS", "fork_eager")

    assert holders(activate(["no:fork_eager"]), "fork") == ["fork_cow"]
    assert holders(activate(["no:fork_cow"]), "fork") == ["fork_eager"]
    monkeypatch.delenv("KOS_PLUGINS")
    assert "found no fork policy, expected one: fork_cow is blocked" in message("no:fork_cow")


def test_installed_plugins_are_found_by_entry_point(
    write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A distribution that declares the group `kos` takes part without being named, until it is blocked."""
    write(FORK, "their_module.py")
    info = folder / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kos]\ntheir_fork = their_module\n")
    monkeypatch.syspath_prepend(str(folder))
    assert holders(activate(), "fork") == ["fork_cow"]  # KOS_DISABLE_PLUGIN_AUTOLOAD is set
    assert holders(activate(["their_fork"]), "fork") == ["their_fork"]

    monkeypatch.delenv("KOS_DISABLE_PLUGIN_AUTOLOAD")
    active = activate()

    assert holders(active, "fork") == ["their_fork"]
    assert active.holders["fork"][0].plugin.origin == "installed with theirs"
    assert holders(activate(["no:their_fork"]), "fork") == ["fork_cow"]
    assert holders(activate(["fork_eager"]), "fork") == ["fork_eager"]

    (info / "entry_points.txt").write_text("[kos]\ntheir_fork = no_such_module\n")
    assert message() == (
        "plugin 'their_fork' cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'; it is installed "
        "with theirs: -p no:their_fork does without it"
    )


def test_options_have_types_and_defaults(folder: Path) -> None:
    (folder / "kos.toml").write_text("plugins = ['fork_cow_stack']\n[set]\nfork_cow_stack.pages = 7\npoison = true\n")

    assert choose().options["fork_cow_stack"]["pages"] == 7
    assert choose((), {"fork_cow_stack.pages": "0x10"}).options["fork_cow_stack"]["pages"] == 16
    assert choose().kernel_settings == {"poison": "yes"}


@pytest.mark.parametrize(
    ("words", "settings", "expected"),
    [
        (["fork_eagr"], {}, "no plugin 'fork_eagr', did you mean 'fork_eager'?"),
        (["./nowhere.py"], {}, "no plugin './nowhere.py': there is no such file"),
        (["json"], {}, "plugin 'json' .*: found no hook, expected at least one of kos_fork_policy, "),
        (["fork_eager", "fork_cow_stack"], {}, "hook kos_fork_policy: found two plugins for one role"),
        (["fork_eager", "no:fork_eager"], {}, "plugin 'fork_eager' is both wanted and blocked"),
        (["fork_cow_stack"], {"fork_cow_stack__pages": "-1"}, "found '-1', expected at least 0"),
        (["fork_cow_stack"], {"fork_cow_stack__pages": "x"}, "found 'x', expected a whole number"),
        (["fork_cow_stack"], {"fork_cow_stack__page": "1"}, "found option 'page', expected pages"),
        ([], {"fork_cow_stack__pages": "1"}, "found plugin 'fork_cow_stack', expected one in use: "),
        ([], {"guard": "maybe"}, "found 'maybe', expected one of plugins, all, off"),
        ([], {"poisn": "1"}, "found no such setting, expected one of guard, "),
    ],
)
def test_mistakes_of_the_user_are_one_line(words: list[str], settings: dict[str, str], expected: str) -> None:
    assert re.search(expected, message(*words, **settings)), message(*words, **settings)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "def kos_frok_policy(): pass",
            "plugin 'mine' .*: found hook kos_frok_policy, expected kos_fork_policy perhaps",
        ),
        (
            "def kos_fork_policy(parms): pass",
            "hook kos_fork_policy: found argument 'parms', expected some of .params, ",
        ),
        (
            "def kos_summary(params): pass",
            "hook kos_summary: found argument 'params', expected no arguments",
        ),
        (
            "def kos_fork_policy(): return 3",
            "hook kos_fork_policy: found no such method in int, expected ForkPolicy.copy_range",
        ),
        (
            "def kos_fork_policy(): return 1 / 0",
            "hook kos_fork_policy: raised ZeroDivisionError: division by zero",
        ),
        ("class kos_fork_policy: pass", "hook kos_fork_policy: found <class .*>, expected a function"),
        (
            "import nothing_there",
            "cannot be loaded: .*mine.py:1: ModuleNotFoundError: No module named 'nothing_there'",
        ),
        ("def f(:", "cannot be loaded: .*mine.py:1: SyntaxError"),
        ("x = 1", "plugin 'mine' .*: found no hook, expected at least one of kos_fork_policy"),
        (
            FORK.replace("return Mine()", "return Mine"),
            "found the class Mine, expected an object: Mine()",
        ),
        (
            FORK.replace("old, new, vma):", "old, new):"),
            r"found Mine.copy_range\(old, new\), expected ForkPolicy.copy_range",
        ),
        (
            FORK.replace("return True", "yield True"),
            "found a generator, expected a plain method ForkPolicy.must_flush",
        ),
        (
            "def kos_shared_state(): return 3",
            "hook kos_shared_state: found 3, expected instances of classes",
        ),
        (
            "def kos_options(table): table.add('a b', 1)",
            "hook kos_options: raised ValueError: option 'a b'",
        ),
        (
            "def kos_options(table): table.add('a', None)",
            "hook kos_options: raised TypeError: option 'a': default None",
        ),
    ],
)
def test_mistakes_of_a_plugin_are_found_at_registration(write: Write, source: str, expected: str) -> None:
    """Each names the plugin, the hook, what was found and what was expected."""
    word = write(source)

    text = message(word)
    assert re.search(expected.replace("Mine()", r"Mine\(\)"), text), text
    assert "mine" in text


def test_two_files_of_one_name_are_a_mistake(write: Write, folder: Path) -> None:
    (folder / "other").mkdir()

    text = message(write(FORK), write(FORK, "other/mine.py"))

    assert "two plugins are named 'mine'" in text
    assert "other/mine.py" in text
