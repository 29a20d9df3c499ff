"""What would fail, or not fit together: station, ramps and temperatures, and the rehearsed histograms."""
