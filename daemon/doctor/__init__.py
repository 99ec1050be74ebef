"""What can be wrong, looked at and never touched: each check gives findings, and what mends them.

A check is a function of a Scene. It reads, and decides by pure functions; it makes no file, takes
no lock, and opens at most one connection to a server. `examine` runs all beside each other.
"""
