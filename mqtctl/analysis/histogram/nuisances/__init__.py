"""One histogram with noise, false triggers, and parameters that somebody named."""
