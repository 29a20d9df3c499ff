"""Lake Shore Model 336 and Model 372 temperature controllers."""
