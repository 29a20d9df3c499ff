"""`mqtctl simulate`: switching currents straight from the physics."""

from __future__ import annotations

from typing import Annotated

import typer

from mqtctl.cli.outcome import parse_option, printing, reporting_faults

__all__ = ["simulate"]

#: Values are printed so many at a time, so that ten million of them need little memory.
CHUNK = 100_000


def simulate(
    temperature: Annotated[str, typer.Option(help="Temperature.")] = "100 mK",
    critical_current: Annotated[str, typer.Option(help="Critical current.")] = "9.489 uA",
    capacitance: Annotated[str, typer.Option(help="Capacitance.")] = "6.35 pF",
    resistance: Annotated[str, typer.Option(help="Shunt resistance.")] = "190 Ohm",
    ramp_rate: Annotated[str, typer.Option(help="Rate of the bias ramp.")] = "1 mA/s",
    start_current: Annotated[str, typer.Option(help="Where the ramp starts.")] = "0 A",
    switches: Annotated[int, typer.Option(min=1, help="How many switching currents.")] = 10_000,
    model: Annotated[
        str, typer.Option(help="Escape model: kramers, or package.module:Class(parameter=value).")
    ] = "escape",
    potential: Annotated[
        str, typer.Option(help="Potential: transparent-channel(transmission=0.6), or package.module:Class(...).")
    ] = "washboard",
    seed: Annotated[int | None, typer.Option(min=0, help="Make the numbers repeatable.")] = None,
) -> None:
    """Print switching currents drawn from the escape-rate physics, as CSV, without instruments."""
    with reporting_faults():
        import numpy as np

        from mqtctl.physics import Junction, SwitchingDistribution
        from mqtctl.physics.models.names import escape_model
        from mqtctl.physics.well.names import potential as named_potential

        junction = Junction(
            parse_option("critical-current", critical_current, "A"),
            parse_option("capacitance", capacitance, "F"),
            parse_option("resistance", resistance, "Ohm"),
            potential=named_potential(potential),
        )
        distribution = SwitchingDistribution(
            junction,
            parse_option("temperature", temperature, "K"),
            parse_option("ramp-rate", ramp_rate, "A/s"),
            model=escape_model(model),
            start_current=parse_option("start-current", start_current, "A"),
        )
        rng = np.random.default_rng(seed)
        with printing():
            typer.echo("switching_current_A")
            for first in range(0, switches, CHUNK):
                currents = distribution.sample(min(CHUNK, switches - first), rng)
                typer.echo("".join(f"{current!r}\n" for current in currents.tolist()), nl=False)
