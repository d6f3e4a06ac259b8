"""The commands at the workbench: those that do one thing and end, on files, on a baseline or against a service.

Parts come from `opening` and `wiring`. What is heavy is imported when a command runs.
"""
