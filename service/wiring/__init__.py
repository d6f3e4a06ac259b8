"""The composition root: these files alone see everything and put it together.

What heavy parts need is imported when a command runs: `monitor` never loads torch, `serve` never loads Evidently.
"""
