"""Experiments on the accounts of a home: the shell around `mlx_agent.evaluate`.

`material` gathers the lessons, `agents` trains and asks, `running` does what a plan needs and the
store does not hold yet, `ahead` says before what that would cost, `folder` writes what was found.
"""
