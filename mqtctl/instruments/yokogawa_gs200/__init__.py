"""Yokogawa GS200: a direct-current source for fields and offsets."""
