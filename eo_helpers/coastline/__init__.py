"""The coast: where the shore was, how fast it moves, how sure that is."""
