"""Jobs: what is due, running it, and the worker process that holds MLX."""
