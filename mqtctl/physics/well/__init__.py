"""The junction and its tilted washboard: barrier, frequencies and the state of the well at one current."""
