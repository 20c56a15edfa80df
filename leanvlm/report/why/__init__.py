"""The section that says which properties of a sample go together with what a recipe loses."""
