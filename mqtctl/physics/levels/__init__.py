"""Levels of the undamped well: for spectroscopy, and as a yardstick of the rates."""
