"""What each subcommand does. Every one that works with mail is a client of the socket.

`session` brings a daemon up for the duration of the command when none is running, so that there is
one way to do a thing, whether the daemon runs or not.
"""
