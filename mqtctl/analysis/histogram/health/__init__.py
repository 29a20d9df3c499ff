"""Whether a histogram and what was fitted to it can be believed: independent, steady, of one population, plausible."""
