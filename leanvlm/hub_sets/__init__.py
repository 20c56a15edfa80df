"""Data sets of the Hugging Face hub, read where its client put them: which files, which rows, which pictures."""
