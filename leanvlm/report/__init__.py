"""The report: an offline HTML page, a folder for each section, and a summary for git; SQL asks, Python renders."""
