"""Keithley 6221: a current source whose arbitrary waveform is the ramp."""
