"""The work behind the stages: cells, answers, audits, calibration, the clock, and `make repro` itself."""
