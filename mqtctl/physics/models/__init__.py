"""Escape rates: one file for each kind of model, the protocol they keep and where they hold."""
