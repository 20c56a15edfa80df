"""The report: an offline HTML page, a summary for git, the README's table; SQL asks, Python renders."""
