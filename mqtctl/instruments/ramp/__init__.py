"""What the ramp sources share: the sawtooth they make, and what a filter does to it."""
