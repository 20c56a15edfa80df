"""`python -m leanvlm COMMAND`."""

from leanvlm.commands.cli import main

if __name__ == "__main__":
    main()
