"""What `daemon.mailbox.text` cuts by: quotes, HTML, signatures and recurring tails. All pure."""
