"""One file a table: what is expected of each of its rows, and of all of them."""
