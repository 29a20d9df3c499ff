"""`mqtctl course`: data of hidden junctions for the course, and marks for what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults

if TYPE_CHECKING:
    from mqtctl.course import Expected, Mark

__all__ = ["course"]

course = typer.Typer(
    no_args_is_help=True, help="Hidden junctions by seed, for the notebooks in docs/course: data, marks, and the truth."
)
SeedArgument = Annotated[int, typer.Argument(min=0, help="Which hidden junction: any whole number.")]


@course.command(short_help="write the data files of a hidden junction, and a sheet for the answers")
def data(
    seed: SeedArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write into [default: junction-SEED].")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write switching currents at eight temperatures, and answers.yaml to fill in; the truth is written nowhere."""
    with reporting_faults():
        from mqtctl.course import write_data

        files = [str(path) for path in write_data(seed, output or Path(f"junction-{seed}"))]
        with printing():
            if json:
                print_json({"seed": seed, "data": files[:-1], "answers": files[-1]})
            else:
                typer.echo("\n".join(files))


@course.command("mark", short_help="compare answers with the truth, and error bars with what the data allow")
def mark_answers(
    answers: Annotated[Path, typer.Argument(help="The filled sheet, answers.yaml.")], json: JsonOption = False
) -> None:
    """Say of each answer whether it is right, and in one sentence what is missing."""
    with reporting_faults():
        from mqtctl.course import load_answers, mark

        read = load_answers(answers)
        marks = mark(read)
        with printing():
            if json:
                print_json(
                    {"seed": read.seed, "passed": all(m.right for m in marks), "marks": [_plain(m) for m in marks]}
                )
            else:
                _tell_marks(marks)


@course.command("expected", short_help="the instructor's: truth, and what the best fit of the same data finds")
def tell_expected(seed: SeedArgument, json: JsonOption = False) -> None:
    """Print the truth of a hidden junction beside the best fit of the data that `course data` writes."""
    with reporting_faults():
        from mqtctl.course import expected

        found = expected(seed)
        with printing():
            if json:
                print_json(_truth(found))
            else:
                _tell_expected(found)


def _tell_marks(marks: tuple[Mark, ...]) -> None:
    """Print a line for each answer, and how many are right."""
    for one in marks:
        said = one.remarks or ("right",)
        typer.echo(f"{'+' if one.right else '-'} {one.name}: {'; '.join(said)}")
    typer.echo(f"{sum(one.right for one in marks)} of {len(marks)} right")


def _plain(one: Mark) -> dict[str, Any]:
    """Return a mark as JSON has it."""
    return {
        "name": one.name,
        "right": one.right,
        "pull": one.pull,
        "error_ratio": one.error_ratio,
        "remarks": list(one.remarks),
    }


def _truth(found: Expected) -> dict[str, Any]:
    """Return truth and best fit as JSON has them, in base units."""
    from mqtctl.course.truth import ASKED
    from mqtctl.notation import jsonable

    plain: dict[str, Any] = jsonable(
        {
            "seed": found.hidden.seed,
            "explanation": found.explanation,
            "decided": found.decided,
            "sentence": found.sentence,
            "noise_temperature_K": found.hidden.noise_temperature,
            "capacitance_F": found.hidden.junction.capacitance,
            "resistance_Ohm": found.hidden.junction.resistance,
        }
        | {
            f"{name}_{ASKED[name].unit}": {"truth": one.truth, "best_fit": one.estimate, "stderr": one.stderr}
            for name, one in found.numbers.items()
        }
    )
    return plain


def _tell_expected(found: Expected) -> None:
    """Print truth and best fit, a line each."""
    from mqtctl.course.truth import ASKED
    from mqtctl.notation import Scale, number, quantity

    for name, one in found.numbers.items():
        unit = ASKED[name].unit
        scale = Scale.of([one.truth], unit)
        truth = number(one.truth / scale.factor, one.stderr / scale.factor).split("(")[0]  # to the digits of the fit
        fit = quantity(one.estimate, unit, one.stderr, scale)
        typer.echo(f"{name}: {truth} {scale.name}, best fit {fit}")
    typer.echo(f"explanation: {found.explanation}, best fit {found.decided}")
