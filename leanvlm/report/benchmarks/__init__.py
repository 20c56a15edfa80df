"""The section that shows what is kept on each benchmark."""
