"""Has the world changed, and does it hurt? Knows nothing of torch, of the web or of how rows are stored."""
