"""The bench for clients elsewhere: sockets and pseudo-terminals, and the VISA libraries of other processes."""
