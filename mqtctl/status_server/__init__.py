"""`mqtctl watch`: the status page of a run over HTTP, read only, for many viewers at the cost of one.

Its modules but `shared_reader` need the optional dependencies `mqtctl[watch]`.
"""
