"""SRS SR620: a counter of time intervals."""
