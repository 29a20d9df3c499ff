"""Renders the docstrings of what is for users as a static site, and checks that no link in it is broken.

    pip install 'mqtctl[docs]'
    python docs/make/api.py FOLDER

Open FOLDER/index.html. The pages are made by pdoc; the index and the check of the links are our own.
"""

from __future__ import annotations

import html
import importlib
import inspect
import re
import sys
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FOR_USERS", "broken_links", "build"]

#: What other people may build on: these names stay, and a change of one stands in CHANGELOG.md.
FOR_USERS = {
    "mqtctl.physics": "escape rates and switching distributions",
    "mqtctl.analysis": "from switching currents to numbers with errors",
    "mqtctl.report": "plots, tables, the report",
    "mqtctl.workflow": "whole measurements and analyses, as the command line does them",
    "mqtctl.campaign": "many virtual experiments whose truth is known",
    "mqtctl.course": "hidden junctions, and marks",
    "mqtctl.records": "the plain data that all of these exchange",
    "mqtctl.errors": "what can be raised, with its exit code",
    "pyvisa_mqt.pytest_plugin": "fixtures and marker for tests of drivers on the simulated bench",
}
_ARRAYS = {
    "ArrayLike | None": ArrayLike | None,
    "ArrayLike": ArrayLike,
    "NDArray[float64]": NDArray[np.float64],
}
_STYLE = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h2{margin:2rem 0 0}code{font-size:.95em}p.names{margin:.3rem 0}a{color:#1a5276}\
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#7fb3d5}}"


def build(folder: Path) -> None:
    """Write the site into a folder."""
    import pdoc

    # pdoc reads an inherited constructor's annotations in the module of the class that inherits it
    warnings.filterwarnings("ignore", "Error parsing type annotation BarrierShape")
    template = Path(__file__).with_name("api_template")
    pdoc.render.configure(docformat="numpy", footer_text="mqtctl", show_source=False, template_directory=template)
    inside = [f"!{name}\\." for name in FOR_USERS]  # what lies below is not for users; its public names stand above
    spelled: Callable[..., str] = inspect.formatannotation

    def shortened(annotation: object, *given: object, **named: object) -> str:
        """Spell NumPy's names for arrays as people write them, and no addresses in memory."""
        text = spelled(annotation, *given, **named)
        for name, meaning in _ARRAYS.items():
            text = text.replace(spelled(meaning), name)
        return re.sub(r" at 0x[0-9a-f]+", "", text)

    with patch("inspect.formatannotation", shortened), patch("pdoc.doc.formatannotation", shortened):
        pdoc.pdoc(*FOR_USERS, *inside, output_directory=folder)
    (folder / "index.html").write_text(_index(), encoding="utf-8")


def _index() -> str:
    """Return the page that says which names are for users."""
    rows = []
    for name, summary in FOR_USERS.items():
        page = f"{name.replace('.', '/')}.html"
        module = importlib.import_module(name)
        links = ", ".join(f'<a href="{page}#{item}"><code>{item}</code></a>' for item in module.__all__)
        rows.append(
            f'<h2><a href="{page}">{name}</a></h2>\n<p>{html.escape(summary)}</p>\n<p class="names">{links}</p>'
        )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>mqtctl: names for users</title><style>{_STYLE}</style></head><body>
<h1>Names for users</h1>
<p>Import these from the package under which they stand. They stay from one version to the next;
a change is announced in the changelog. Every other module and name may change without notice.
All quantities are in SI base units.</p>
{chr(10).join(rows)}
</body></html>
"""


class _Page(HTMLParser):
    """Collects the anchors of a page and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what a tag is named and leads to."""
        for key, value in attrs:
            if key in {"id", "name"} and value and tag != "meta":
                self.anchors.add(value)
            if key in {"href", "src"} and value is not None:
                self.links.append(value)


def broken_links(folder: Path) -> list[str]:
    """Return "page: link" for every link within a site that leads to no file, or to no anchor of a page."""
    pages: dict[Path, _Page] = {}
    for path in sorted(folder.rglob("*.html")):
        pages[path.resolve()] = page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue  # outside: nobody's to check without a network
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                broken.append(f"{path.relative_to(folder.resolve())}: {link}")
    return broken


def main(folder: Path) -> int:
    """Build, check, and say what is broken; returns an exit code."""
    build(folder)
    faults = [f"broken link: {link}" for link in broken_links(folder)]
    for module in map(importlib.import_module, FOR_USERS):
        named = ((item, getattr(module, item)) for item in module.__all__)
        faults += [
            f"no docstring: {module.__name__}.{item}" for item, one in named if callable(one) and not one.__doc__
        ]
    pages = len(list(folder.rglob("*.html")))
    print("\n".join([*faults, f"{pages} pages, {len(faults)} faults: {folder / 'index.html'}"]))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
