"""Pure functions on arrays, one method a file, each with its paper. Knows nothing of texts, logs or verdicts."""
