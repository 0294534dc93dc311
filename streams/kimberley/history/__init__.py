"""What was, what would have been, and what might be: simulation first."""
