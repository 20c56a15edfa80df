"""The vision pass: pictures become embedded tokens of the prompt, once for all recipes that show the same."""
