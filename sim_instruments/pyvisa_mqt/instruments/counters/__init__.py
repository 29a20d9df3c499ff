"""What the timing counters share: the input, which edges are caught, and the memory of readings."""
