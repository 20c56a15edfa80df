"""What weights and cache methods cost a real pretrained decoder, in nats a token: `make bench-decoder`."""
