"""Models: where their files come from, the shared encoder, and our own heads on it."""
