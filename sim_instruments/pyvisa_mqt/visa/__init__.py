"""The VISA library behind `@mqt`: sessions, events, locks and service requests, as PyVISA asks for them."""
