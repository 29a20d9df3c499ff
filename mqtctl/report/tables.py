"""HTML tables of text."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

__all__ = ["Markup", "html_table"]


class Markup(str):
    """HTML of our own making: a cell of it is not escaped."""

    __slots__ = ()


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]], kind: str) -> str:
    """Return an HTML table that scrolls by itself where the page is narrower.

    Parameters
    ----------
    header
        HTML of the header cells; empty for a table of name and value.
    rows
        Cells of each row, as plain text, which is escaped here, or `Markup`.
    kind
        Class attribute of the table, for the style sheet.
    """
    head = ""
    if header:
        head = "<thead><tr>" + "".join(f"<th>{cell}</th>" for cell in header) + "</tr></thead>"
    body = "".join("<tr>" + "".join(f"<td>{_cell(text)}</td>" for text in row) + "</tr>\n" for row in rows)
    table = f'<table class="{html.escape(kind)}">{head}<tbody>\n{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _cell(text: str) -> str:
    """Escape a cell's text unless it is markup, keeping its line breaks."""
    return text if isinstance(text, Markup) else html.escape(text).replace("\n", "<br>")
