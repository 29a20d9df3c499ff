"""Make the table of bounces that `table` interpolates: `python -m mqtctl.physics.bounce._make_table` (minutes)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mqtctl.physics.bounce.numerical import solve_bounce

KRAMERS_FACTORS = np.linspace(0.02, 1.0, 50)
TEMPERATURE_RATIOS = np.concatenate([[0.0], np.arange(2, 39) * 0.025, [0.975], 1.0 + np.arange(1, 41) * 0.025])
TABLE = Path(__file__).with_name("bounce_table.npz")


def main() -> None:
    """Solve the bounce on the whole grid, above T0 by continuation in temperature, and write the file."""
    shape = (len(KRAMERS_FACTORS), len(TEMPERATURE_RATIOS))
    action, prefactor = np.empty(shape), np.empty(shape)
    for row, factor in enumerate(KRAMERS_FACTORS):
        damping = 1.0 / factor - factor
        quality = 1.0 / damping if damping > 0.0 else np.inf
        path = None
        for column, ratio in enumerate(TEMPERATURE_RATIOS):
            near = path is not None and (0.6 < ratio < 0.95 or ratio > 1.1)
            bounce = solve_bounce(quality, float(ratio), start=path if near else None)
            action[row, column], prefactor[row, column] = bounce.action, bounce.prefactor
            path = bounce.harmonics
    np.savez_compressed(
        TABLE,
        kramers_factor=KRAMERS_FACTORS,
        temperature_ratio=TEMPERATURE_RATIOS,
        action=action,
        log_prefactor=np.log(prefactor),
    )


if __name__ == "__main__":
    main()
