"""The socket: HTTP/1.1 with JSON and server-sent events on a Unix socket."""
