"""Yokogawa GS200 voltage and current source."""
