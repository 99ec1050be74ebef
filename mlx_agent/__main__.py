"""`python -m mlx_agent`: the worker process."""

from mlx_agent.worker import main

if __name__ == "__main__":
    main()
