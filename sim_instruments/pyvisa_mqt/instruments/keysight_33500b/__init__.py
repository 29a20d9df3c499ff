"""Keysight 33512B and 33522B waveform generators."""
