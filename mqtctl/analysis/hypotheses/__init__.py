"""Competing explanations of a whole sweep, fitted to all its histograms, and the one sentence that may be concluded."""
