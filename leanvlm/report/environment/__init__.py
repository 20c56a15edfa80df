"""The section that names the libraries, the machine and the settings."""
