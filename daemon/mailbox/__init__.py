"""Mail in and out: bytes to records, IMAP, SMTP, imports."""
