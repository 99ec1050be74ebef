"""Learning: from pairs of intent and own text to an agent that predicts preference rules.

This package knows nothing of mailboxes, sockets or the daemon. MLX is imported in the worker
process only: `worker`, `agent`, `train.run`, `train.batches` and `pocket.pretrain`.
"""
