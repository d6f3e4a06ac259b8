"""What a prediction is, and who makes it. Knows nothing of the web, of metrics, of a database or of settings."""
