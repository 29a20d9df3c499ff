"""README.md and docs/ do what they print: code and commands run, files are read, output comes out as shown.

Comments stand before the block that they are about:

`not run: why`, `slow: why`
    A block without them runs in the default suite; those of a page run in their order, in one folder and one namespace.
`file: name`
    The block is this file.
`part of: station.yaml` (of a plan, sample or bench; `station.yaml, counter` for the options of an instrument)
    The block is laid over the file that `mqtctl init` writes (or the built-in bench), which must then be readable.
`with station.yaml: old -> new`
    From here on the page is about this change of the file.
`printed: by the code`
    The block is what the Python blocks since the last such block print.

Output in a `console` block is compared word by word; `...` in it stands for anything.
"""

from __future__ import annotations

import ast
import importlib
import io
import json
import re
import runpy
import shlex
import shutil
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.instruments import MODELS
from qcodes.instrument import Instrument
from typer.testing import CliRunner

from mqtctl.cli.app import app
from mqtctl.course import hidden
from mqtctl.documents import dump_yaml, load_yaml
from mqtctl.plan import write_examples
from mqtctl.plan.resolved import load_plan
from mqtctl.plan.sample import load_sample
from mqtctl.records import JunctionEstimate
from mqtctl.station.connecting import prepared
from mqtctl.station.file import load_station
from tests.conftest import build, builtin_bench

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"((?:<!-- [^\n]* -->\n)*)```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


READERS: dict[str, Callable[[Path], object]] = {
    "plan.yaml": load_plan,
    "sample.yaml": load_sample,
    "bench.yaml": lambda path: open_bench(str(path)),
}


class Block(NamedTuple):
    """A fenced block: where it begins, the comments before it, its language and its text."""

    place: str
    notes: list[tuple[str, str]]
    kind: str
    text: str

    def said(self, key: str) -> str | None:
        """Return what a comment says of the block."""
        return dict(self.notes).get(key)


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page; every fence must belong to one."""
    text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT)
    found = list(BLOCK.finditer(text))
    assert 2 * len(found) == len(re.findall(r"^\s*```", text, re.MULTILINE)), f"{name}: a fence is not understood"
    return [
        Block(
            f"{name}:{text[: match.start(2)].count(chr(10)) + 1}",
            re.findall(r"<!-- (with|[\w -]+)(?:: | )(.*?) ?-->\n", match[1]),
            match[2],
            match[3],
        )
        for match in found
    ]


BLOCKS = {page: blocks for page in PAGES if (blocks := blocks_of(page))}
SLOW = [page for page, blocks in BLOCKS.items() if any(block.said("slow") for block in blocks)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measure a short sweep of seven histograms and return its folder."""
    laboratory = build(tmp_path_factory.mktemp("stored"))
    warmer = ", ".join(f"{100 + 2 * step} mK" for step in range(7))
    laboratory.change("plan.yaml", "temperatures: [100 mK]", f"temperatures: [{warmer}]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mqtctl.report.writer.render", lambda _draw, **_size: b"\x89PNG")
        laboratory.result()
    return laboratory.folder / "run"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_figures: None) -> Iterator[Path]:
    """Make the folder that a page is about: what `mqtctl init` writes, and a bench file; leave nothing behind."""
    write_examples(tmp_path)
    for name in ("bench.yaml", "our-fridge.yaml"):
        (tmp_path / name).write_text(builtin_bench(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYVISA_LIBRARY", "@mqt")
    monkeypatch.setenv("COLUMNS", "140")
    models, modules = dict(MODELS), set(sys.modules)
    yield tmp_path
    Instrument.close_all()
    MODELS.clear()
    MODELS.update(models)
    for name in set(sys.modules) - modules:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def run(command: str) -> Any:
    """Run a command line of mqtctl in this process."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "mqtctl", f"{command!r} is no command of mqtctl: say why it is not run"
    return CliRunner().invoke(app, arguments)


def compare_output(block: Block) -> None:
    """Run the command of a console block and compare what it prints."""
    command, _, shown = block.text.removeprefix("$ ").partition("\n")
    compare(block, shown, run(command).stdout)


def compare(block: Block, shown: str, printed: str) -> None:
    """Compare what a block shows with what was printed, word by word."""
    pattern = re.escape(" ".join(shown.split())).replace(r"\.\.\.", ".*?")
    assert re.fullmatch(pattern, " ".join(printed.split())), f"{block.place}: it prints\n{printed}"


def laid_over(base: Any, part: Any) -> Any:
    """Return nested mappings with the values of another in place of their own."""
    if not (isinstance(base, Mapping) and isinstance(part, Mapping)):
        return part
    return {**base, **{key: laid_over(base.get(key), value) for key, value in part.items()}}


def read_part(block: Block, folder: Path) -> None:
    """Read the block as a part of the file that its comment names."""
    name, _, instrument = (block.said("part of") or "").partition(", ")
    (folder / "part.yaml").write_text(textwrap.dedent(block.text), encoding="utf-8")
    part: Any = load_yaml(folder / "part.yaml")
    if instrument:
        part = {"instruments": {instrument: {"init": {"metadata": {"mqtctl": part}}}}}
    whole = folder / "whole.yaml"
    whole.write_text(dump_yaml(laid_over(load_yaml(folder / name), part)), encoding="utf-8")
    if name == "station.yaml":
        for player, entry in load_station(whole).instruments.items():
            prepared(entry, player, whole)
    else:
        READERS[name](whole)


def run_block(block: Block, folder: Path, namespace: dict[str, Any]) -> None:
    """Do with a block what its language and its comments say."""
    if (name := block.said("file")) is not None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(block.text, encoding="utf-8")
    elif block.kind == "python":
        with redirect_stdout(namespace.setdefault("printed by the code", io.StringIO())):
            exec(compile(block.text, block.place, "exec"), namespace)
    elif block.said("printed"):
        compare(block, block.text, namespace.pop("printed by the code").getvalue())
    elif block.kind == "bash":
        for command in block.text.strip().splitlines():
            result = run(command)
            assert result.exit_code == 0, f"{block.place}: {command}\n{result.output}{result.stderr}"
    elif block.kind == "console":
        compare_output(block)
    elif block.kind == "yaml":
        read_part(block, folder)
    elif block.kind == "toml":
        groups = tomllib.loads(block.text)["project"]["entry-points"]
        assert set(groups) <= {"mqtctl.adapters", "pyvisa_mqt.instruments"}, f"{block.place}: nobody reads this group"
    elif block.kind == "json":
        json.loads(block.text)
    else:
        assert block.kind == "text", f"{block.place}: no language that is known"
        assert not re.match(r"\$ |mqtctl |pip |import |from ", block.text), f"{block.place}: this is no text"


@pytest.mark.parametrize(
    ("page", "whole"),
    [
        *((page, False) for page in BLOCKS),
        *(pytest.param(page, True, marks=pytest.mark.slow) for page in SLOW),
    ],
    ids=lambda value: str(value.relative_to(ROOT)) if isinstance(value, Path) else "whole" if value else "",
)
def test_a_page_does_what_it_prints(
    page: Path, whole: bool, folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "".join(block.text for block in BLOCKS[page])
    if "mqtctl init" in code:
        for name in ("plan.yaml", "station.yaml", "sample.yaml"):
            (folder / name).unlink()
    if re.search(r"data\.db|RUN|mqtctl-runs|currents\.csv|night\.acme", code):
        sweep: Path = request.getfixturevalue("stored")
        shutil.copytree(sweep, folder / "RUN")
        shutil.copytree(sweep, folder / "mqtctl-runs" / "2026-01-05")
        shutil.copy(sweep / "data.db", folder)
        currents = run("mqtctl simulate --seed 1").stdout
        (folder / "currents.csv").write_text(currents, encoding="utf-8")
        (folder / "night.acme").write_text(currents.replace("e-06", ""), encoding="utf-8")
    monkeypatch.syspath_prepend(page.parent)  # what lies beside a page may be imported on it
    namespace: dict[str, Any] = {"__name__": "documentation"}
    for block in BLOCKS[page]:
        if block.said("not run") or (block.said("slow") and not whole):
            continue
        for key, change in block.notes:
            if key == "with":
                [(name, old, new)] = re.findall(r"^(\S+): (.*) -> (.*)$", change)
                text = (folder / name).read_text(encoding="utf-8")
                assert old in text, f"{block.place}: {old!r} is not in {name}"
                (folder / name).write_text(text.replace(old, new), encoding="utf-8")
        run_block(block, folder, namespace)


#: What the instructor's page quotes of each notebook, as the notebook prints it.
QUOTED = {
    "1": {"s = 0.9: -0.5 %", "crossover: 33.5 mK", "at zero bias it would be 81.4 mK"},
    "2": {"its error: 0.10 nA for a bell curve, 0.14 nA by bootstrap"},
    "3": {"exponent 0.669 +- 0.022", "standard error 1.75 mK", "switches alone 0.07 mK"},
    "4": {"that is +1.8 standard errors", "0.185 at 9.5 uA, 0.138 at 3 uA"},
    "5": {"+0.5 standard errors", "+2.6 standard errors", "+- 0.0039 uA", "- explanation | not answered"},
}
COURSE = sorted((ROOT / "docs" / "course").glob("*.ipynb"))
run_notebook = runpy.run_path(str(ROOT / "docs" / "make" / "notebook.py"))["run_notebook"]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")), ids=lambda page: page.name)
def test_a_notebook_shows_what_its_cells_give(page: Path) -> None:
    def shown(notebook: dict[str, Any]) -> list[str]:
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
        return ["".join(output.get("text") or output["data"]["text/plain"]) for output in outputs]

    kept = json.loads(page.read_text(encoding="utf-8"))
    assert shown(kept) == shown(run_notebook(page, figures=False)), "python docs/make/notebook.py " + page.name
    assert len(shown(kept)) > 5


@pytest.mark.parametrize(
    "page",
    [page if page == COURSE[-1] else pytest.param(page, marks=pytest.mark.slow) for page in COURSE],
    ids=lambda page: page.name,
)
def test_a_notebook_of_the_course_runs(page: Path) -> None:
    shown = [output for cell in run_notebook(page, figures=False)["cells"] for output in cell.get("outputs", ())]
    assert sum("data" in output and "image/png" in output["data"] for output in shown) >= 1
    printed = "".join(line for output in shown for line in output.get("text", ()))
    assert QUOTED[page.name[0]] <= {found for found in QUOTED[page.name[0]] if found in printed}, printed


def test_the_course_is_five_notebooks_of_questions_without_answers() -> None:
    assert [page.name[0] for page in COURSE] == ["1", "2", "3", "4", "5"]
    for page in COURSE:
        cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") for cell in cells), f"{page.name}: outputs are stored"
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert max(len(cell.splitlines()) for cell in code) <= 25, f"{page.name}: a cell is too long to be read"
        prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        asked = re.findall(r"\*\*Question (\d)\.", prose)
        assert asked == [str(number) for number in range(1, len(asked) + 1)]
        answers = (ROOT / "docs/course/instructor.md").read_text(encoding="utf-8").split(f"\n## {page.name[0]}. ")[1]
        assert len(re.findall(r"^\d\. ", answers.split("\n## ")[0], re.MULTILINE)) == len(asked), page.name


def test_the_course_uses_public_names_and_what_the_sheet_says() -> None:
    """A cell that a student copies must not break with the next version."""
    for page in COURSE:
        cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mqtctl"):
                assert node.module is not None
                assert node.module.count(".") == 1, f"{page.name}: {node.module} is no package for users"
                public = importlib.import_module(node.module).__all__
                assert {name.name for name in node.names} <= set(public), f"{page.name}: {node.module}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "JunctionEstimate":
                assert eval(ast.unparse(node), {"JunctionEstimate": JunctionEstimate}) == hidden(1).known, page.name
        if "SEED" in code:
            assert "SEED = 1" in code or "SEED, RAMP_RATE = 1, 900e-6" in code
            assert hidden(1).ramp_rate == 900e-6


def test_the_index_of_reproductions_has_every_page_and_says_what_it_prints() -> None:
    book = ROOT / "docs" / "reproductions"
    rows = [line.strip("| ").split(" | ") for line in (book / "README.md").read_text(encoding="utf-8").splitlines()]
    told = [(match[1], cells) for cells in rows if (match := re.match(r"\[.*\]\((\S+\.md)\)$", cells[0]))]
    assert {page for page, _ in told} == {path.name for path in book.glob("*.md")} - {"README.md"}
    for page, (_, _, published, ours, pull, provenance) in told:
        printed = "".join(block.text for block in BLOCKS[book / page] if block.said("printed"))
        result = ours if pull == "-" else f"ours {ours}, published {published}, pull {pull}\n"
        assert result in printed, f"{page}: {result!r} is not printed there"
        assert re.search(r"\[[VM]\]", provenance), f"{page}: read, or from memory?"


def test_no_command_and_no_code_hides_in_an_indented_block() -> None:
    hidden = []
    for page in PAGES:
        prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
        hidden += [(page.name, line) for line in re.findall(r"\n\n    ([^\n]+)", prose)]
    assert hidden == []


def test_every_paper_that_is_cited_is_in_the_list_of_references() -> None:
    listed = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
    cited: dict[str, str] = {}
    sources = [path for part in ("mqtctl", "drivers", "sim_instruments") for path in (ROOT / part).rglob("*.py")]
    for path in (*sources, *PAGES):
        text = re.sub(r"\s+#?\s*", " ", path.read_text(encoding="utf-8"))
        for volume_and_page in re.findall(r"\b\d+, \d+ \((?:19|20)\d\d\)", text):
            cited[volume_and_page] = path.name
        cited |= dict.fromkeys(re.findall(r"arXiv:\d{4}\.\d{4,5}", text), path.name)
    assert len(cited) > 20
    assert {place: path for place, path in cited.items() if place not in listed} == {}
