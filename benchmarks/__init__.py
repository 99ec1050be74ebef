"""Measurements against other programs, on this machine, in one run; not part of the package."""
