"""`mqtctl calibrate`: from time to current, measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import AlarmOption, JsonOption, OutputOption, SeedOption
from mqtctl.cli.outcome import parse_option, print_json, printing, reporting_faults

__all__ = ["calibrate"]


def calibrate(
    plan: Annotated[Path, typer.Argument(help="Plan file; its ramp and station are used, its temperatures are not.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="Where to write the calibration [default: into the run's folder].")
    ] = None,
    dummy: Annotated[
        bool, typer.Option("--dummy", help="A resistor stands in the junction's place: checks the chain without one.")
    ] = False,
    dummy_resistor: Annotated[
        str | None, typer.Option(help="Its resistance, such as '1 kOhm', if known; with --amplifier-gain.")
    ] = None,
    amplifier_gain: Annotated[float | None, typer.Option(help="Voltage gain of the pre-amplifier, if known.")] = None,
    output: OutputOption = None,
    seed: SeedOption = None,
    json: JsonOption = False,
    alarm_command: AlarmOption = None,
) -> None:
    """Measure ramp rate, delay, offset and threshold walk at the present temperature; a plan then names the file."""
    del alarm_command  # the supervisor's
    with reporting_faults():
        from mqtctl.cli.live.progress import watching
        from mqtctl.cli.summary import print_calibration
        from mqtctl.errors import InputError
        from mqtctl.supervision.link import link
        from mqtctl.workflow import CalibrationRequest, Options, measure_calibration

        if (dummy_resistor is None) != (amplifier_gain is None):
            raise InputError("give --dummy-resistor and --amplifier-gain together: their product is what is measured")
        transresistance = None
        if dummy_resistor is not None and amplifier_gain is not None:
            transresistance = abs(parse_option("dummy_resistor", dummy_resistor, "Ohm") * amplifier_gain)
        request = CalibrationRequest(
            dummy=dummy or transresistance is not None, transresistance=transresistance, file=file
        )
        with watching() as notify:
            options = Options(output=output, seed=seed, alive=link().beat)
            result = measure_calibration(plan, request, options, notify=notify)
        with printing():
            if json:
                print_json(result)
            else:
                print_calibration(result)
