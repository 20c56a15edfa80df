"""What passes between stages: one module a table, with its grain, columns and expectations."""
