"""Keysight 53230A: a counter of time intervals."""
