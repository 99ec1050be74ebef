"""The store's schema as ordered migrations.

Owns every table, index and trigger. A migration is a tuple of statements; it is applied in one
transaction together with its row in `migration`, so a crash leaves the schema before it or after
it, never between. A released migration is never changed: a new one is appended. Knows no record and
no path; fails with sqlite3.Error, which `daemon.store.database` translates.

Conventions: times are ISO 8601 text in UTC of one fixed width, so text order is time order. Nested
records are JSON text by `mlx_agent.codec`; what is queried is a column. What was fetched (`source`)
and what the user sent (`edit`) is never changed; triggers say so. An edit goes only with what the
user had forgotten.
"""

from __future__ import annotations

import sqlite3

Migration = tuple[str, ...]

_FIRST: Migration = (
    """
    CREATE TABLE mail (
        account TEXT NOT NULL,
        id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        in_reply_to TEXT NOT NULL,
        reference_ids TEXT NOT NULL,
        sender TEXT NOT NULL,
        to_addresses TEXT NOT NULL,
        cc_addresses TEXT NOT NULL,
        subject TEXT NOT NULL,
        sent_at TEXT NOT NULL,
        own_text TEXT NOT NULL,
        context TEXT NOT NULL,
        signature TEXT NOT NULL,
        forwarded TEXT NOT NULL,
        flags TEXT NOT NULL,
        draft_id TEXT,
        cut_version INTEGER NOT NULL,
        PRIMARY KEY (account, id)
    ) STRICT
    """,
    "CREATE INDEX mail_by_time ON mail (account, sent_at, id)",
    """
    CREATE TABLE source (
        account TEXT NOT NULL,
        mail_id TEXT NOT NULL,
        header BLOB NOT NULL,
        plain TEXT,
        html TEXT,
        PRIMARY KEY (account, mail_id),
        FOREIGN KEY (account, mail_id) REFERENCES mail (account, id)
    ) STRICT
    """,
    """
    CREATE TRIGGER source_is_immutable BEFORE UPDATE ON source
    BEGIN SELECT RAISE(ABORT, 'what was fetched is never changed'); END
    """,
    """
    CREATE TABLE folder (
        account TEXT NOT NULL,
        name TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL,
        last_uid INTEGER NOT NULL,
        PRIMARY KEY (account, name)
    ) STRICT
    """,
    """
    CREATE TABLE uid_link (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        mail_id TEXT NOT NULL,
        PRIMARY KEY (account, folder, uidvalidity, uid),
        FOREIGN KEY (account, mail_id) REFERENCES mail (account, id)
    ) STRICT
    """,
    """
    CREATE TABLE quarantine (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uid INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (account, folder, uid)
    ) STRICT
    """,
    """
    CREATE TABLE lesson (
        account TEXT NOT NULL,
        id TEXT NOT NULL,
        sample_id TEXT NOT NULL,
        x TEXT NOT NULL,
        rules TEXT NOT NULL,
        own_text TEXT NOT NULL,
        baseline TEXT,
        sent_at TEXT NOT NULL,
        thread TEXT NOT NULL,
        strategy TEXT NOT NULL,
        calls TEXT NOT NULL,
        PRIMARY KEY (account, id)
    ) STRICT
    """,
    "CREATE INDEX lesson_by_time ON lesson (account, sent_at, id)",
    """
    CREATE TABLE set_aside (
        account TEXT NOT NULL,
        sample_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (account, sample_id)
    ) STRICT
    """,
    """
    CREATE TABLE draft (
        id TEXT PRIMARY KEY NOT NULL,
        account TEXT NOT NULL,
        key TEXT NOT NULL,
        x TEXT NOT NULL,
        rules TEXT NOT NULL,
        text TEXT NOT NULL,
        provenance TEXT NOT NULL,
        created_at TEXT NOT NULL,
        message_id TEXT,
        UNIQUE (account, key)
    ) STRICT
    """,
    "CREATE INDEX draft_by_time ON draft (account, created_at)",
    "CREATE INDEX draft_by_message_id ON draft (account, message_id)",
    """
    CREATE TABLE edit (
        number INTEGER PRIMARY KEY,
        draft_id TEXT NOT NULL REFERENCES draft (id),
        final_hash TEXT NOT NULL,
        mail_id TEXT,
        account TEXT NOT NULL,
        draft_text TEXT NOT NULL,
        final_text TEXT NOT NULL,
        distance REAL NOT NULL,
        unchanged INTEGER NOT NULL,
        matched_by TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX edit_once ON edit (draft_id, final_hash, ifnull(mail_id, ''))",
    "CREATE INDEX edit_by_time ON edit (account, created_at)",
    """
    CREATE TRIGGER edit_is_never_changed BEFORE UPDATE ON edit
    BEGIN SELECT RAISE(ABORT, 'edits are append-only'); END
    """,
    """
    CREATE TRIGGER edit_is_never_deleted BEFORE DELETE ON edit
    BEGIN SELECT RAISE(ABORT, 'edits are append-only'); END
    """,
    """
    CREATE TABLE adapter (
        id TEXT PRIMARY KEY NOT NULL,
        account TEXT NOT NULL,
        base TEXT NOT NULL,
        base_hash TEXT NOT NULL,
        dataset_hash TEXT NOT NULL,
        settings_hash TEXT NOT NULL,
        lessons INTEGER NOT NULL,
        render TEXT NOT NULL,
        metrics TEXT NOT NULL,
        created_at TEXT NOT NULL,
        parent TEXT
    ) STRICT
    """,
    """
    CREATE TABLE verdict (
        adapter_id TEXT PRIMARY KEY NOT NULL REFERENCES adapter (id),
        decided_at TEXT NOT NULL,
        promoted INTEGER NOT NULL,
        reason TEXT NOT NULL,
        candidate REAL,
        current REAL,
        zero_shot REAL,
        validity REAL
    ) STRICT
    """,
    """
    CREATE TABLE job (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        account TEXT NOT NULL,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        requested_at TEXT NOT NULL,
        started_at TEXT,
        finished_at TEXT,
        outcome TEXT NOT NULL,
        error TEXT
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX job_is_open_once ON job (kind, account)
    WHERE state IN ('queued', 'running')
    """,
    "CREATE INDEX job_by_kind ON job (account, kind, state)",
)

_SYNC: Migration = (
    # What is known of a folder follows from the links of its UIDs; how it stood, and what is asked.
    "ALTER TABLE folder DROP COLUMN last_uid",
    "ALTER TABLE folder ADD COLUMN uidnext INTEGER",
    "ALTER TABLE folder ADD COLUMN messages INTEGER",
    "ALTER TABLE folder ADD COLUMN modseq INTEGER",
    "ALTER TABLE folder ADD COLUMN changes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE folder ADD COLUMN answer TEXT",
    "ALTER TABLE folder ADD COLUMN found_at TEXT",
    """
    CREATE TABLE fetched (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        received_at TEXT NOT NULL,
        header BLOB NOT NULL,
        shape TEXT NOT NULL,
        payload BLOB NOT NULL,
        PRIMARY KEY (account, folder, uidvalidity, uid)
    ) STRICT
    """,
    "ALTER TABLE mail ADD COLUMN tail TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE cut_rules (
        account TEXT PRIMARY KEY NOT NULL,
        generation INTEGER NOT NULL,
        tails TEXT NOT NULL,
        learned_from INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE tombstone (
        account TEXT NOT NULL,
        mail_id TEXT NOT NULL,
        gone_at TEXT NOT NULL,
        PRIMARY KEY (account, mail_id)
    ) STRICT
    """,
    "CREATE INDEX mail_by_message_id ON mail (account, message_id)",
    "CREATE INDEX mail_by_cut ON mail (account, cut_version, sent_at)",
    "CREATE INDEX uid_link_by_mail ON uid_link (account, mail_id)",
    "CREATE INDEX lesson_by_sample ON lesson (account, sample_id)",
)

_DELIVERY: Migration = (
    """
    CREATE TABLE delivery (
        draft_id TEXT NOT NULL REFERENCES draft (id),
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        begun_at TEXT NOT NULL,
        ended_at TEXT,
        PRIMARY KEY (draft_id, kind)
    ) STRICT
    """,
    "ALTER TABLE draft ADD COLUMN in_reply_to TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE draft ADD COLUMN reference_ids TEXT NOT NULL DEFAULT '[]'",
)

_TEACHING: Migration = (
    """
    CREATE TABLE answer (
        account TEXT NOT NULL,
        lesson_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        sample_id TEXT NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (account, lesson_id, position)
    ) STRICT
    """,
    """
    CREATE TABLE batch (
        id TEXT PRIMARY KEY NOT NULL,
        account TEXT NOT NULL,
        model TEXT NOT NULL,
        state TEXT NOT NULL,
        begun_at TEXT NOT NULL,
        ended_at TEXT,
        provider_id TEXT,
        passed_over TEXT NOT NULL,
        asks TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX batch_by_state ON batch (account, state)",
    """
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        request TEXT NOT NULL,
        event TEXT NOT NULL,
        at TEXT NOT NULL,
        account TEXT NOT NULL,
        role TEXT NOT NULL,
        model TEXT NOT NULL,
        host TEXT NOT NULL,
        prompt TEXT NOT NULL,
        about TEXT NOT NULL,
        characters INTEGER NOT NULL,
        redacted INTEGER NOT NULL,
        usage TEXT,
        cost_usd REAL,
        note TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX ledger_by_request ON ledger (request, event)",
    "CREATE INDEX ledger_by_time ON ledger (at)",
    """
    CREATE TRIGGER ledger_is_append_only_update BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END
    """,
    """
    CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END
    """,
    "ALTER TABLE lesson ADD COLUMN recipe TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE lesson ADD COLUMN generalised INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE lesson ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX answer_by_sample ON answer (account, sample_id)",
)

_NEAREST: Migration = (
    """
    CREATE VIRTUAL TABLE lesson_text USING fts5(
        account UNINDEXED, lesson_id UNINDEXED, recipient, topic,
        tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    INSERT INTO lesson_text (account, lesson_id, recipient, topic)
    SELECT account, id,
        coalesce(x ->> '$.metadata.to[0].name', '') || ' '
            || coalesce(x ->> '$.metadata.to[0].address', ''),
        coalesce(x ->> '$.metadata.subject', '') || ' '
            || coalesce((SELECT group_concat(value, ' ') FROM json_each(x, '$.intent')), '')
    FROM lesson
    """,
    """
    CREATE TRIGGER lesson_text_goes AFTER DELETE ON lesson
    BEGIN DELETE FROM lesson_text WHERE account = OLD.account AND lesson_id = OLD.id; END
    """,
)

_EXCLUDED: Migration = (
    """
    CREATE TABLE excluded (
        account TEXT NOT NULL,
        message_id TEXT NOT NULL,
        PRIMARY KEY (account, message_id)
    ) STRICT
    """,
    "CREATE TABLE excluded_by (account TEXT PRIMARY KEY NOT NULL, named TEXT NOT NULL) STRICT",
)

_TRAINING: Migration = (
    # One row for each run of the job, with what was reported on the way, thinned out.
    """
    CREATE TABLE training (
        run INTEGER PRIMARY KEY NOT NULL REFERENCES job (id),
        account TEXT NOT NULL,
        adapter_id TEXT,
        curve TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX training_by_account ON training (account, run)",
    "ALTER TABLE adapter ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE verdict ADD COLUMN beside TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE verdict ADD COLUMN lists TEXT",
    "ALTER TABLE verdict ADD COLUMN current_lists TEXT",
    "ALTER TABLE lesson ADD COLUMN thinking TEXT NOT NULL DEFAULT ''",
)

_DRAFTING: Migration = (
    # A mail's first recipient, of whom all is found without reading the other mails.
    """
    ALTER TABLE mail ADD COLUMN first_to TEXT
        GENERATED ALWAYS AS (lower(to_addresses ->> '$[0].address')) VIRTUAL
    """,
    """
    CREATE INDEX mail_by_recipient ON mail (account, first_to, sent_at, id) WHERE own_text != ''
    """,
    # What the user has said once and for all of an account's rules: `instruction` is NULL for "no".
    """
    CREATE TABLE standing_rule (
        account TEXT NOT NULL,
        aspect TEXT NOT NULL,
        instruction TEXT,
        PRIMARY KEY (account, aspect)
    ) STRICT
    """,
)

_LEARNING: Migration = (
    # NULL in the edits of an older store, whose changes follow from their texts.
    "ALTER TABLE edit ADD COLUMN changes TEXT",
    # What the user does not want to be learned: of these drafts, whatever became of them.
    """
    CREATE TABLE taken_back (
        draft_id TEXT PRIMARY KEY NOT NULL REFERENCES draft (id),
        at TEXT NOT NULL
    ) STRICT
    """,
)

_NIGHTS: Migration = (
    # Of a job that a night asked for: the local date of the night, and when the job has to stop.
    "ALTER TABLE job ADD COLUMN night TEXT",
    "ALTER TABLE job ADD COLUMN deadline TEXT",
    "CREATE INDEX job_by_night ON job (night) WHERE night IS NOT NULL",
    # What a training that did not end was learning, so that the next one can go on with it.
    "ALTER TABLE training ADD COLUMN dataset TEXT",
    """
    CREATE TABLE night (
        date TEXT PRIMARY KEY NOT NULL,
        starts TEXT NOT NULL,
        ends TEXT NOT NULL,
        waits TEXT NOT NULL
    ) STRICT
    """,
    # At most one row: since when the user wants no nights.
    """
    CREATE TABLE nights_paused (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        since TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE night_report (
        date TEXT NOT NULL,
        account TEXT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (date, account)
    ) STRICT
    """,
)

_FORGETTING: Migration = (
    # What the user had forgotten does not come back, by whatever way.
    "ALTER TABLE tombstone ADD COLUMN by_user INTEGER NOT NULL DEFAULT 0",
    """
    CREATE TABLE passed_uid (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        PRIMARY KEY (account, folder, uidvalidity, uid)
    ) STRICT
    """,
    # Data sets that held forgotten mail: what was trained on them learned from it.
    """
    CREATE TABLE forgotten_data (
        account TEXT NOT NULL,
        dataset_hash TEXT NOT NULL,
        PRIMARY KEY (account, dataset_hash)
    ) STRICT
    """,
    # Holds a row only within a transaction that forgets: then edits may be deleted.
    "CREATE TABLE forgetting (now INTEGER PRIMARY KEY NOT NULL) STRICT",
    "DROP TRIGGER edit_is_never_deleted",
    """
    CREATE TRIGGER edit_is_never_deleted BEFORE DELETE ON edit
    WHEN NOT EXISTS (SELECT 1 FROM forgetting)
    BEGIN SELECT RAISE(ABORT, 'edits are append-only'); END
    """,
)

_EVALUATING: Migration = (
    """
    CREATE TABLE evaluation (
        id TEXT PRIMARY KEY NOT NULL,
        experiment TEXT NOT NULL,
        seed INTEGER NOT NULL,
        people TEXT NOT NULL,
        settings TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT
    ) STRICT
    """,
    """
    CREATE TABLE evaluation_training (
        id TEXT PRIMARY KEY NOT NULL,
        account TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT
    """,
    # What systems wrote for held-out mails; the same work is done once, whatever runs need it.
    """
    CREATE TABLE trial (
        id TEXT PRIMARY KEY NOT NULL,
        account TEXT NOT NULL,
        mail_id TEXT NOT NULL,
        lesson_id TEXT NOT NULL,
        system TEXT NOT NULL,
        agent_of TEXT,
        writer TEXT NOT NULL,
        text TEXT NOT NULL,
        rules TEXT NOT NULL,
        training TEXT,
        usage TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX trial_by_mail ON trial (account, mail_id)",
    """
    CREATE TABLE evaluation_trial (
        evaluation TEXT NOT NULL REFERENCES evaluation (id),
        trial TEXT NOT NULL REFERENCES trial (id),
        PRIMARY KEY (evaluation, trial)
    ) STRICT
    """,
    "CREATE INDEX evaluation_trial_by_trial ON evaluation_trial (trial)",
    """
    CREATE TABLE trial_measure (
        trial TEXT NOT NULL REFERENCES trial (id),
        name TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (trial, name)
    ) STRICT
    """,
    """
    CREATE TABLE judgement (
        judge TEXT NOT NULL,
        first TEXT NOT NULL REFERENCES trial (id),
        second TEXT NOT NULL REFERENCES trial (id),
        forward TEXT NOT NULL,
        backward TEXT NOT NULL,
        prompt TEXT NOT NULL,
        usage TEXT NOT NULL,
        PRIMARY KEY (judge, prompt, first, second)
    ) STRICT
    """,
    "CREATE INDEX judgement_by_second ON judgement (second)",
    """
    CREATE TABLE figure (
        evaluation TEXT NOT NULL REFERENCES evaluation (id),
        name TEXT NOT NULL,
        value REAL,
        low REAL,
        high REAL,
        measure TEXT NOT NULL,
        trials TEXT NOT NULL,
        against TEXT NOT NULL,
        PRIMARY KEY (evaluation, name)
    ) STRICT
    """,
    # The blind test: pairs as they were shown, and what the user chose.
    """
    CREATE TABLE blind_pair (
        session TEXT NOT NULL,
        number INTEGER NOT NULL,
        left_trial TEXT NOT NULL REFERENCES trial (id),
        right_trial TEXT NOT NULL REFERENCES trial (id),
        choice TEXT,
        chosen_at TEXT,
        PRIMARY KEY (session, number)
    ) STRICT
    """,
    "CREATE INDEX blind_pair_by_left ON blind_pair (left_trial)",
    "CREATE INDEX blind_pair_by_right ON blind_pair (right_trial)",
)

MIGRATIONS: tuple[Migration, ...] = (
    _FIRST,
    (*_SYNC, *_DELIVERY),
    (*_TEACHING, *_NEAREST, *_EXCLUDED),
    _TRAINING,
    (*_DRAFTING, *_LEARNING),
    _NIGHTS,
    _FORGETTING,
    _EVALUATING,
)
KNOWN = len(MIGRATIONS)
"""The schema version that this program writes."""


def version(connection: sqlite3.Connection) -> int:
    """The version of the schema on disk; 0 for an empty file."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration'").fetchone()
    if found is None:
        return 0
    return int(connection.execute("SELECT max(version) FROM migration").fetchone()[0])


def migrate(connection: sqlite3.Connection, target: int = KNOWN) -> None:
    """Apply what is missing up to version `target`, each migration in its own transaction."""
    while version(connection) < target:
        # The lock first, then the version again: another process may have migrated meanwhile.
        connection.execute("BEGIN IMMEDIATE")
        try:
            _apply(connection, version(connection) + 1)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _apply(connection: sqlite3.Connection, number: int) -> None:
    if number > KNOWN:
        return
    if number == 1:
        connection.execute("CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at TEXT)")
    for statement in MIGRATIONS[number - 1]:
        connection.execute(statement)
    connection.execute("INSERT INTO migration VALUES (?, CURRENT_TIMESTAMP)", (number,))
