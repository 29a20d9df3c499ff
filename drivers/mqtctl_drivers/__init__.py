"""QCoDeS drivers for the ramp source and the timing counters that QCoDeS does not have."""
