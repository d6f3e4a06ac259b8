"""Grafana, Prometheus and Alertmanager as code. Imports nothing of ours but metric names."""
