"""docs/policy.ipynb: every cell runs, in order, as a notebook's kernel would run it."""

from __future__ import annotations

import ast
import json
import linecache
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "docs" / "policy.ipynb"


def run_cell(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """The value of a cell's last expression, or None."""
    # As IPython does: functions of a cell have a source that inspect can find.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    body = ast.parse(source, name).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), name, "eval"), namespace)


def test_the_notebook_runs_from_top_to_bottom(capsys: Any) -> None:
    """The cells of the notebook, executed; what it claims in words is true of what they give."""
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    namespace: dict[str, Any] = {"__name__": "__main__"}

    values = [
        run_cell("".join(cell["source"]), f"<cell {n}>", namespace)
        for n, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    ]

    assert "exit code 0" in values[0]._repr_html_()
    assert values[1][0] == "cow"
    table = values[4]
    assert table["eager"]["faults"] < table["cow"]["faults"]
    assert "plugin 'kos_fork_policy', hook 'kos_fork_policy': must_flush(): returned False" in capsys.readouterr().out
