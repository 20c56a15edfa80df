"""Files of somebody's own rows, to be asked or trained on: .jsonl, .csv and .parquet, read and checked row by row."""
