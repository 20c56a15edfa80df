"""The section that lists what was not run, and why."""
