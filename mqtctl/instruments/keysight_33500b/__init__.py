"""Keysight 33500B: a waveform generator whose voltage over a bias resistor is the ramp."""
