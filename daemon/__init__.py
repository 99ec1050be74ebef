"""The background service: mailbox, store, jobs, socket, and the `trimtab` command."""
