"""From a rate to a distribution of switching currents: the hazard along a ramp."""
