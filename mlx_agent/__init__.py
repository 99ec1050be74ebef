"""Learning: from pairs of intent and own text to an agent that predicts preference rules.

This package knows nothing of mailboxes, sockets or the daemon. MLX is imported in the worker
process only, by `engine` and by the modules that use it: `worker`, `agent`, `train` and
`pocket.pretrain`.
"""
