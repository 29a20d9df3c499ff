"""Between an instrument and its clients: the transcript, disturbed replies, and locks."""
