"""Keithley 6221 AC and DC current source."""
