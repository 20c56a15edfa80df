"""The section that tells where a method begins to pay, and what the device's limits leave to gain."""
