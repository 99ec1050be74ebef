"""The blind test on a page of this machine: its session, its server and its page."""
