"""Commands, one file a subject: each reads its arguments, calls `wiring` or `workbench`, and prints. No more."""
