"""Peers in environments of their own. The scripts beside this file run there, and import nothing of ours."""
