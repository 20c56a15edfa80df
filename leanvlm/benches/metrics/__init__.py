"""How long ten million predictions take to become metrics, here and with pandas and polars: `make bench-metrics`."""
