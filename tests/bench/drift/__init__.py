"""`make bench-drift`: does the monitor tell the truth, and how does it compare with its peers? See `__main__`."""
