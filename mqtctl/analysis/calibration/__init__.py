"""What calibration runs are fitted by: the delay of the counter, and the first passage over a dummy resistor."""
