"""The bench put together: its file, its instruments on their wires, its faults; it knows all the rooms below."""
