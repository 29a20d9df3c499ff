"""What is measured: the junction behind its bias line, the cables to the counter, and the cryostat."""
