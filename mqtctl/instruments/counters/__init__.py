"""What the timing counters share: their options, their facts, and the marker's pulse that starts them."""
