"""How instruments speak: SCPI, IEEE 488.2 and the Lake Shore language; nothing here knows a particular model."""
