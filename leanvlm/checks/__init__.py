"""The gate: what is expected of every table, and the page that shows what came of it."""
