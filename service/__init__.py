"""The running program: HTTP, the record, metrics, commands. `wiring` alone sees everything."""
