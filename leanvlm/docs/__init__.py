"""What is generated in README.md and docs/cli.md: `make docs` writes it, `make lint` checks that it is up to date."""
