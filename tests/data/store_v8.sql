BEGIN TRANSACTION;
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
    , settings TEXT NOT NULL DEFAULT '{}') STRICT
    ;
INSERT INTO "adapter" VALUES('adapter-1','work','pocket','b','d','s',40,'{"context_words":25,"recipient":false}','{"valid_loss": 0.125}','2026-03-04T09:30:00.000000+00:00',NULL,'{}');
CREATE TABLE answer (
        account TEXT NOT NULL,
        lesson_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        sample_id TEXT NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (account, lesson_id, position)
    ) STRICT
    ;
INSERT INTO "answer" VALUES('work','lesson-2',0,'sha256:0002','{"prompt":"intent","version":"v1","answer":{"text":"<points>\n- I come\n</points>","model":"claude-sonnet-5-5","usage":{"input_tokens":120,"output_tokens":40,"cost_usd":null,"cache_read_tokens":0,"cache_write_tokens":0}},"failure":null}');
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
    ;
INSERT INTO "batch" VALUES('0123456789ab','work','claude-sonnet-5-5','submitting','2026-03-03T09:30:00.000000+00:00',NULL,NULL,'["msgbatch_1"]','["0123456789ab_lesson-2-0"]');
CREATE TABLE cut_rules (
        account TEXT PRIMARY KEY NOT NULL,
        generation INTEGER NOT NULL,
        tails TEXT NOT NULL,
        learned_from INTEGER NOT NULL
    ) STRICT
    ;
CREATE TABLE delivery (
        draft_id TEXT NOT NULL REFERENCES draft (id),
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        begun_at TEXT NOT NULL,
        ended_at TEXT,
        PRIMARY KEY (draft_id, kind)
    ) STRICT
    ;
INSERT INTO "delivery" VALUES('draft-1','save','done',1,'2026-03-03T09:30:00.000000+00:00','2026-03-03T09:30:00.000000+00:00');
CREATE TABLE draft (
        id TEXT PRIMARY KEY NOT NULL,
        account TEXT NOT NULL,
        key TEXT NOT NULL,
        x TEXT NOT NULL,
        rules TEXT NOT NULL,
        text TEXT NOT NULL,
        provenance TEXT NOT NULL,
        created_at TEXT NOT NULL,
        message_id TEXT, in_reply_to TEXT NOT NULL DEFAULT '', reference_ids TEXT NOT NULL DEFAULT '[]',
        UNIQUE (account, key)
    ) STRICT
    ;
INSERT INTO "draft" VALUES('draft-1','work','key-1','{"intent":["I come on Tuesday","the drawings are ready"],"metadata":{"sender":{"name":"Ada Lindqvist","address":"ada@field.example"},"to":[{"name":"Ben Høllis","address":"ben@yard.example"}],"cc":[{"name":"Ada Lindqvist","address":"ada@field.example"}],"subject":"Re: the yard","reply":true,"recipient":{"earlier_mails":3,"same_domain":false,"greeting":"Hi {first},","sign_off":null,"register":"casual"}},"context":[{"author":{"name":"Ben Høllis","address":"ben@yard.example"},"sent_at":"2026-03-03T07:30:00Z","text":"When can you come?\n"}],"kind":"email"}','[{"aspect":"greeting","instruction":"none"},{"aspect":"length","instruction":"9 words"}]','Tuesday suits.','{"rung":"style-card","voice":true,"degraded":"no agent yet","adapter":null,"base":"pocket","writer":"offline","prompt_version":"v1","timings_ms":{"rules":12.5},"usage":{"input_tokens":120,"output_tokens":40,"cost_usd":null}}','2026-03-03T09:31:00.000000+00:00','<draft-1@trimtab.invalid>','','[]');
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
    ;
INSERT INTO "edit" VALUES(1,'draft-1','31f8ab331bc05214d7d9c11a0003795412295d6e8ec6cdcae12858728995ae72','sha256:0001','work','Tuesday suits.','Tuesday suits, thanks.',3.33333333333333314829e-01,0,'header','2026-03-03T10:30:00.000000+00:00');
CREATE TABLE excluded (
        account TEXT NOT NULL,
        message_id TEXT NOT NULL,
        PRIMARY KEY (account, message_id)
    ) STRICT
    ;
INSERT INTO "excluded" VALUES('work','<9@yard.example>');
CREATE TABLE excluded_by (account TEXT PRIMARY KEY NOT NULL, named TEXT NOT NULL) STRICT;
INSERT INTO "excluded_by" VALUES('work','[["Private"], []]');
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
    ;
CREATE TABLE folder (
        account TEXT NOT NULL,
        name TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL, uidnext INTEGER, messages INTEGER, modseq INTEGER, changes INTEGER NOT NULL DEFAULT 0, answer TEXT, found_at TEXT,
        PRIMARY KEY (account, name)
    ) STRICT
    ;
INSERT INTO "folder" VALUES('work','Sent',7,NULL,NULL,NULL,0,NULL,NULL);
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
    ;
INSERT INTO "job" VALUES(1,'sync','work','done',1,'2026-03-03T09:30:00.000000+00:00','2026-03-03T09:30:00.000000+00:00','2026-03-03T09:30:00.000000+00:00','{"added":1}',NULL);
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
    ;
INSERT INTO "ledger" VALUES(1,'request-1','sent','2026-03-03T09:30:00.000000+00:00','work','teacher','claude-sonnet-5-5','api.anthropic.com','intent','sha256:0002',1200,1,'{"input_tokens":120,"output_tokens":40,"cost_usd":null,"cache_read_tokens":0,"cache_write_tokens":0}',0.02,'teach, batch');
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
        calls TEXT NOT NULL, recipe TEXT NOT NULL DEFAULT '', generalised INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0, thinking TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (account, id)
    ) STRICT
    ;
INSERT INTO "lesson" VALUES('work','lesson-1','sha256:0001','{"intent":["I come on Tuesday","the drawings are ready"],"metadata":{"sender":{"name":"Ada Lindqvist","address":"ada@field.example"},"to":[{"name":"Ben Høllis","address":"ben@yard.example"}],"cc":[{"name":"Ada Lindqvist","address":"ada@field.example"}],"subject":"Re: the yard","reply":true,"recipient":{"earlier_mails":3,"same_domain":false,"greeting":"Hi {first},","sign_off":null,"register":"casual"}},"context":[{"author":{"name":"Ben Høllis","address":"ben@yard.example"},"sent_at":"2026-03-03T07:30:00Z","text":"When can you come?\n"}],"kind":"email"}','[{"aspect":"greeting","instruction":"none"},{"aspect":"length","instruction":"9 words"}]','Tuesday suits.
Ada','Dear Ben,

I come on Tuesday.','2026-03-03T09:31:00.000000+00:00','<0@yard.example>','R3','[{"prompt":"email/intent","version":"v1","model":"offline","usage":{"input_tokens":120,"output_tokens":40,"cost_usd":null}},{"prompt":"email/intent","version":"v1","model":"offline","usage":{"input_tokens":120,"output_tokens":40,"cost_usd":null}}]','',0,0,'');
CREATE VIRTUAL TABLE lesson_text USING fts5(
        account UNINDEXED, lesson_id UNINDEXED, recipient, topic,
        tokenize='unicode61 remove_diacritics 2'
    );
INSERT INTO "lesson_text" VALUES('work','lesson-1','Ben Høllis ben@yard.example','Re: the yard I come on Tuesday the drawings are ready');
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
        cut_version INTEGER NOT NULL, tail TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (account, id)
    ) STRICT
    ;
INSERT INTO "mail" VALUES('work','sha256:0001','<1@field.example>','<0@yard.example>','["<0@yard.example>","<-1@yard.example>"]','{"name":"Ada Lindqvist","address":"ada@field.example"}','[{"name":"Ben Høllis","address":"ben@yard.example"},{"name":"","address":"crew@yard.example"}]','[{"name":"Ada Lindqvist","address":"ada@field.example"}]','Re: the yard – Überblick','2026-03-03T09:31:00.000000+00:00','Mail 1.

Tuesday suits. 🙂
Ada','[{"author":{"name":"Ben Høllis","address":"ben@yard.example"},"sent_at":"2026-03-03T07:30:00Z","text":"When can you come?\n"},{"author":{"name":"Ada Lindqvist","address":"ada@field.example"},"sent_at":null,"text":""}]','Ada Lindqvist
+46 0','','["forward","list"]',NULL,1,'');
CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at TEXT);
INSERT INTO "migration" VALUES(1,'2026-11-23 09:08:19');
INSERT INTO "migration" VALUES(2,'2026-11-24 09:00:00');
INSERT INTO "migration" VALUES(3,'2026-11-24 09:00:00');
INSERT INTO "migration" VALUES(4,'2026-11-24 09:00:00');
CREATE TABLE quarantine (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uid INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (account, folder, uid)
    ) STRICT
    ;
CREATE TABLE set_aside (
        account TEXT NOT NULL,
        sample_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (account, sample_id)
    ) STRICT
    ;
CREATE TABLE source (
        account TEXT NOT NULL,
        mail_id TEXT NOT NULL,
        header BLOB NOT NULL,
        plain TEXT,
        html TEXT,
        PRIMARY KEY (account, mail_id),
        FOREIGN KEY (account, mail_id) REFERENCES mail (account, id)
    ) STRICT
    ;
INSERT INTO "source" VALUES('work','sha256:0001',X'46726F6D3A20FF006164610D0A5375626A6563743A20310D0A','Mail 1.
> quoted',NULL);
CREATE TABLE tombstone (
        account TEXT NOT NULL,
        mail_id TEXT NOT NULL,
        gone_at TEXT NOT NULL,
        PRIMARY KEY (account, mail_id)
    ) STRICT
    ;
CREATE TABLE training (
        run INTEGER PRIMARY KEY NOT NULL REFERENCES job (id),
        account TEXT NOT NULL,
        adapter_id TEXT,
        curve TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "training" VALUES(1,'work','adapter-1','[{"step": 1, "steps": 40, "epoch": 1, "loss": 2.0, "valid_loss": null, "tokens_per_second": 500.0, "peak_memory_mb": 90.5, "seconds_left": 39.0}, {"step": 2, "steps": 40, "epoch": 1, "loss": 1.0, "valid_loss": null, "tokens_per_second": 500.0, "peak_memory_mb": 90.5, "seconds_left": 38.0}]');
CREATE TABLE uid_link (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        mail_id TEXT NOT NULL,
        PRIMARY KEY (account, folder, uidvalidity, uid),
        FOREIGN KEY (account, mail_id) REFERENCES mail (account, id)
    ) STRICT
    ;
INSERT INTO "uid_link" VALUES('work','Sent',7,1,'sha256:0001');
CREATE TABLE verdict (
        adapter_id TEXT PRIMARY KEY NOT NULL REFERENCES adapter (id),
        decided_at TEXT NOT NULL,
        promoted INTEGER NOT NULL,
        reason TEXT NOT NULL,
        candidate REAL,
        current REAL,
        zero_shot REAL,
        validity REAL
    , beside TEXT NOT NULL DEFAULT '[]', lists TEXT, current_lists TEXT) STRICT
    ;
INSERT INTO "verdict" VALUES('adapter-1','2026-03-03T09:30:00.000000+00:00',1,'nearer than zero-shot',0.25,NULL,0.5,1.0,'[]',NULL,NULL);
CREATE INDEX mail_by_time ON mail (account, sent_at, id);
CREATE TRIGGER source_is_immutable BEFORE UPDATE ON source
    BEGIN SELECT RAISE(ABORT, 'what was fetched is never changed'); END;
CREATE INDEX lesson_by_time ON lesson (account, sent_at, id);
CREATE INDEX draft_by_time ON draft (account, created_at);
CREATE INDEX draft_by_message_id ON draft (account, message_id);
CREATE UNIQUE INDEX edit_once ON edit (draft_id, final_hash, ifnull(mail_id, ''));
CREATE INDEX edit_by_time ON edit (account, created_at);
CREATE TRIGGER edit_is_never_changed BEFORE UPDATE ON edit
    BEGIN SELECT RAISE(ABORT, 'edits are append-only'); END;
CREATE TRIGGER edit_is_never_deleted BEFORE DELETE ON edit
    BEGIN SELECT RAISE(ABORT, 'edits are append-only'); END;
CREATE UNIQUE INDEX job_is_open_once ON job (kind, account)
    WHERE state IN ('queued', 'running')
    ;
CREATE INDEX job_by_kind ON job (account, kind, state);
CREATE INDEX mail_by_message_id ON mail (account, message_id);
CREATE INDEX mail_by_cut ON mail (account, cut_version, sent_at);
CREATE INDEX uid_link_by_mail ON uid_link (account, mail_id);
CREATE INDEX lesson_by_sample ON lesson (account, sample_id);
CREATE INDEX batch_by_state ON batch (account, state);
CREATE INDEX ledger_by_request ON ledger (request, event);
CREATE INDEX ledger_by_time ON ledger (at);
CREATE TRIGGER ledger_is_append_only_update BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END;
CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is never changed'); END;
CREATE INDEX answer_by_sample ON answer (account, sample_id);
CREATE TRIGGER lesson_text_goes AFTER DELETE ON lesson
    BEGIN DELETE FROM lesson_text WHERE account = OLD.account AND lesson_id = OLD.id; END;
CREATE INDEX training_by_account ON training (account, run);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('job',1);
ALTER TABLE mail ADD COLUMN first_to TEXT
        GENERATED ALWAYS AS (lower(to_addresses ->> '$[0].address')) VIRTUAL;
CREATE INDEX mail_by_recipient ON mail (account, first_to, sent_at, id) WHERE own_text != '';
CREATE TABLE standing_rule (
        account TEXT NOT NULL,
        aspect TEXT NOT NULL,
        instruction TEXT,
        PRIMARY KEY (account, aspect)
    ) STRICT;
INSERT INTO "standing_rule" VALUES('work','exclamation',NULL);
INSERT INTO "standing_rule" VALUES('work','greeting','open with "Hello" and a comma');
ALTER TABLE edit ADD COLUMN changes TEXT;
CREATE TABLE taken_back (
        draft_id TEXT PRIMARY KEY NOT NULL REFERENCES draft (id),
        at TEXT NOT NULL
    ) STRICT;
INSERT INTO "taken_back" VALUES('draft-1','2026-03-03T09:30:00.000000+00:00');
INSERT INTO "migration" VALUES(5,'2026-11-28 01:00:00');
ALTER TABLE job ADD COLUMN night TEXT;
ALTER TABLE job ADD COLUMN deadline TEXT;
CREATE INDEX job_by_night ON job (night) WHERE night IS NOT NULL;
ALTER TABLE training ADD COLUMN dataset TEXT;
CREATE TABLE night (
        date TEXT PRIMARY KEY NOT NULL,
        starts TEXT NOT NULL,
        ends TEXT NOT NULL,
        waits TEXT NOT NULL
    ) STRICT;
INSERT INTO "night" VALUES('2026-03-03','2026-03-03T01:30:00.000000+00:00','2026-03-03T05:00:00.000000+00:00','["battery"]');
CREATE TABLE nights_paused (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        since TEXT NOT NULL
    ) STRICT;
INSERT INTO "nights_paused" VALUES(1,'2026-03-03T09:30:00.000000+00:00');
CREATE TABLE night_report (
        date TEXT NOT NULL,
        account TEXT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (date, account)
    ) STRICT;
INSERT INTO "night_report" VALUES('2026-03-03','work','done');
INSERT INTO "migration" VALUES(6,'2026-11-28 09:30:00');
ALTER TABLE tombstone ADD COLUMN by_user INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE passed_uid (
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        PRIMARY KEY (account, folder, uidvalidity, uid)
    ) STRICT;
    CREATE TABLE forgotten_data (
        account TEXT NOT NULL,
        dataset_hash TEXT NOT NULL,
        PRIMARY KEY (account, dataset_hash)
    ) STRICT;
CREATE TABLE forgetting (now INTEGER PRIMARY KEY NOT NULL) STRICT;
DROP TRIGGER edit_is_never_deleted;
    CREATE TRIGGER edit_is_never_deleted BEFORE DELETE ON edit
    WHEN NOT EXISTS (SELECT 1 FROM forgetting)
    BEGIN SELECT RAISE(ABORT, 'edits are append-only'); END;
INSERT INTO "tombstone" VALUES('work','sha256:0008','2026-03-03T09:30:00.000000+00:00',1);
INSERT INTO "passed_uid" VALUES('work','Sent',7,8);
INSERT INTO "forgotten_data" VALUES('work','d');
INSERT INTO "migration" VALUES(7,'2026-11-28 09:42:52');
CREATE TABLE evaluation (
        id TEXT PRIMARY KEY NOT NULL,
        experiment TEXT NOT NULL,
        seed INTEGER NOT NULL,
        people TEXT NOT NULL,
        settings TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT
    ) STRICT;
INSERT INTO "evaluation" VALUES('run-1','table',3,'["work","home"]','{"base":"pocket"}','2026-03-03T09:30:00.000000+00:00','2026-03-03T09:30:00.000000+00:00');
CREATE TABLE evaluation_training (
        id TEXT PRIMARY KEY NOT NULL,
        account TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT;
INSERT INTO "evaluation_training" VALUES('training-1','work','{"id":"training-1","person":"work","target":"thinking","strategy":"R3","rank":16,"lessons":50,"part":"night 2","adapter":"adapter-1","seconds":1.5,"steps":[1,2],"losses":[2.5,2.0],"valid_losses":[null,2.25]}');
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
    ) STRICT;
INSERT INTO "trial" VALUES('trial-1','work','sha256:0001','lesson-1','agent R3','home','offline','Hi Ben','[{"aspect":"greeting","instruction":"none"},{"aspect":"length","instruction":"9 words"}]','training-1','{"input_tokens":120,"output_tokens":40,"cost_usd":null,"cache_read_tokens":0,"cache_write_tokens":0}');
INSERT INTO "trial" VALUES('trial-2','work','sha256:0001','lesson-1','zero-shot',NULL,'offline','Hi Ben','[]',NULL,'{"input_tokens":120,"output_tokens":40,"cost_usd":null,"cache_read_tokens":0,"cache_write_tokens":0}');
CREATE INDEX trial_by_mail ON trial (account, mail_id);
CREATE TABLE evaluation_trial (
        evaluation TEXT NOT NULL REFERENCES evaluation (id),
        trial TEXT NOT NULL REFERENCES trial (id),
        PRIMARY KEY (evaluation, trial)
    ) STRICT;
INSERT INTO "evaluation_trial" VALUES('run-1','trial-1');
INSERT INTO "evaluation_trial" VALUES('run-1','trial-2');
CREATE INDEX evaluation_trial_by_trial ON evaluation_trial (trial);
CREATE TABLE trial_measure (
        trial TEXT NOT NULL REFERENCES trial (id),
        name TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (trial, name)
    ) STRICT;
INSERT INTO "trial_measure" VALUES('trial-1','distance',0.25);
CREATE TABLE judgement (
        judge TEXT NOT NULL,
        first TEXT NOT NULL REFERENCES trial (id),
        second TEXT NOT NULL REFERENCES trial (id),
        forward TEXT NOT NULL,
        backward TEXT NOT NULL,
        prompt TEXT NOT NULL,
        usage TEXT NOT NULL,
        PRIMARY KEY (judge, prompt, first, second)
    ) STRICT;
INSERT INTO "judgement" VALUES('offline','trial-1','trial-2','first','tie','v1','{"input_tokens":120,"output_tokens":40,"cost_usd":null,"cache_read_tokens":0,"cache_write_tokens":0}');
CREATE INDEX judgement_by_second ON judgement (second);
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
    ) STRICT;
INSERT INTO "figure" VALUES('run-1','win/agent R3/zero-shot/all',0.75,0.5,NULL,'judge offline','["trial-1"]','["trial-2"]');
CREATE TABLE blind_pair (
        session TEXT NOT NULL,
        number INTEGER NOT NULL,
        left_trial TEXT NOT NULL REFERENCES trial (id),
        right_trial TEXT NOT NULL REFERENCES trial (id),
        choice TEXT,
        chosen_at TEXT,
        PRIMARY KEY (session, number)
    ) STRICT;
INSERT INTO "blind_pair" VALUES('session-1',0,'trial-1','trial-2','left','2026-03-03T09:30:00.000000+00:00');
CREATE INDEX blind_pair_by_left ON blind_pair (left_trial);
CREATE INDEX blind_pair_by_right ON blind_pair (right_trial);
INSERT INTO migration VALUES(8,'2026-11-28 14:30:00');
COMMIT;
