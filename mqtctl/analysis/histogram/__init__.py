"""One histogram: from switching currents to critical current, temperature and health."""
