"""All histograms of a sweep together: shared critical current, saturation, crossover, and what may be concluded."""
