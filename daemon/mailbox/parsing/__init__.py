"""What `daemon.mailbox.parse` and `importing` read by: fields, MIME, charsets, mbox and files."""
