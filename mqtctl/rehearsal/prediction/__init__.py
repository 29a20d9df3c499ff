"""What the estimate of the junction predicts for a night: distributions on the real ramps, precision, duration."""
