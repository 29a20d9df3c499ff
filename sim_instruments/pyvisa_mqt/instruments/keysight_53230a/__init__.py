"""Keysight 53230A universal counter."""
