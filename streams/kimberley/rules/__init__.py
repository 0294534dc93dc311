"""The rule catalogue: one module a theme, each rule a small function with its metadata beside it."""
