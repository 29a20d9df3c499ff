"""What passes between the rooms: time, random numbers, and the signals on the wires."""
