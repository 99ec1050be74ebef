"""Mail in and out.

In: `watch` (when) -> `sync` -> `plan`, `fetching` (over a `session`, `imap`, `connection`) ->
`reading` -> `parse`, `text`; or `importing` from files. Out: `outbox` -> `filing`, `submission`.
"""
