"""The section that compares budgets asked for with budgets achieved."""
