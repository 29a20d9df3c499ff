"""Lake Shore 336 and 372: thermometer and heater of the cryostat."""
