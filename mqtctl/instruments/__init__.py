"""What the experiment asks of its instruments, and how each instrument answers.

`roles` says what is asked; `talk` is what every adapter does on its link, `ramp` and `counters` what ramp sources and
counters share; then one folder for each instrument. Adapters are loaded through `registry.adapter_for` when a station
needs them, so that importing this package costs nothing. A new instrument is one folder here, or an entry point of
another package.
"""
