"""Clients of the socket. They import nothing of ours."""
