"""What a worker of a cluster does by itself: it reads what it needs, and keeps what it made under the content key."""
