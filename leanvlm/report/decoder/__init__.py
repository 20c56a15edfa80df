"""The section that shows what each method costs a real pretrained decoder, as `make bench-decoder` measured it."""
