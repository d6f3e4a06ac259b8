"""Routes, one file a subject: each has `add(app, parts)`. They turn bytes into nouns and nouns into bytes, no more."""
