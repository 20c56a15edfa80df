"""The page around its sections: its frame, its look and its first sentences."""
