"""Runs the code cells of a notebook in this process and keeps what they show: no Jupyter is needed.

    python docs/make/notebook.py docs/notebooks/data_from_elsewhere.ipynb

Cells share one namespace and a temporary folder. Kept are what is printed, the last expression of a cell (its `repr`,
and its HTML where it has some) and the figures that pyplot has open, small.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["run_notebook"]


def run_notebook(path: Path, *, figures: bool = True) -> dict[str, Any]:
    """Return a notebook with the outputs of its code cells as they are now."""
    import matplotlib as mpl

    mpl.use("agg")
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    namespace: dict[str, Any] = {"__name__": "notebook"}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for number, cell in enumerate(notebook["cells"], 1):
                if cell["cell_type"] == "code":
                    cell["outputs"] = _outputs(cell, f"{path.name}, cell {number}", namespace, figures)
        finally:
            os.chdir(before)
    return notebook


def _outputs(cell: dict[str, Any], place: str, namespace: dict[str, Any], figures: bool) -> list[dict[str, Any]]:
    """Run a cell and return what it shows."""
    tree = ast.parse("".join(cell["source"]), place)
    ending = tree.body[-1] if tree.body else None
    last = ast.Expression(ending.value) if isinstance(ending, ast.Expr) else None
    if last is not None:
        tree.body.pop()
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, place, "exec"), namespace)
        if last is not None:
            value = eval(compile(last, place, "eval"), namespace)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    drawn = _figures(figures)
    if value is not None and not drawn:  # axes show themselves as their figure
        data = {"text/plain": _lines(repr(value))}
        if hasattr(value, "_repr_html_") and type(value).__module__.startswith("mqtctl"):
            data["text/html"] = _lines(value._repr_html_())
        shown = {"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": data}
        outputs.append(shown)
    return [*outputs, *drawn]


def _figures(kept: bool) -> list[dict[str, Any]]:
    """Return the open figures as PNG, and close them."""
    from matplotlib import pyplot

    found = []
    for number in pyplot.get_fignums():
        buffer = io.BytesIO()
        if kept:
            pyplot.figure(number).savefig(buffer, format="png", dpi=60)
        data = {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": ["<figure>"]}
        found.append({"output_type": "display_data", "metadata": {}, "data": data})
    pyplot.close("all")
    return found


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        shown = json.dumps(run_notebook(Path(name)), indent=1, ensure_ascii=False)
        Path(name).write_text(shown + "\n", encoding="utf-8")
