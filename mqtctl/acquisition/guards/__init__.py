"""What stands around a measurement: one user for each instrument, off whatever ends it, and an end on request."""
