"""What passes between stages: one module a table, with its grain and its columns."""
