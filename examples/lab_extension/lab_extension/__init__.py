"""What one laboratory adds to mqtctl: the Nivalis TC2 temperature controller, an escape model, and switch logs."""
