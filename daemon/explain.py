"""Errors to sentences: the one place where a typed error becomes words for the user.

Each sentence says what happened and what to do. The command prints it and exits 1; the socket
sends it. No sentence holds mail text, an address, a subject or a key, for no error carries one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemon import errors as e
from daemon import research_errors as research
from mlx_agent import errors as m

BUG = "This is a bug in trimtab ({name}); nothing was lost. Please report it with the log."


_CORPORA = {
    "enron": "the folder maildir of CMU's archive, or a CSV file with the columns file and message",
    "articles": "the CSV file of All the News 2.0, with author, title, article and publication",
    "reviews": "a file of LaMP-3's questions, such as train_questions.json",
    "panza": "a file of JSON lines, each with an email and its subject",
}
"""What each corpus comes as."""


def explain(error: BaseException) -> str:
    """One sentence or two for any error; a bug says so by its class name alone."""
    for kind in type(error).__mro__:
        if kind in _SENTENCES:
            return _SENTENCES[kind](error)
    return BUG.format(name=type(error).__name__)


def _config_invalid(error: e.ConfigInvalid) -> str:
    problems = "".join(f"\n  {problem.where}: {problem.what}" for problem in error.problems)
    count = len(error.problems)
    return f"{error.path} has {count} problem{'s'[: count != 1]}; correct and try again:{problems}"


def _account_unknown(error: e.AccountUnknown) -> str:
    known = ", ".join(error.known) or "none yet; add one with `trimtab init`"
    if not error.account and error.known:
        return f"Say which account with --account (known: {known})."
    return f"There is no account {error.account!r} in the config (known: {known})."


def _folder_not_found(error: e.FolderNotFound) -> str:
    if error.role == "excluded":
        return (
            f"Account {error.account!r} has no folder {error.folder!r}, which "
            f"accounts.{error.account}.exclude.folders names; correct it there."
        )
    kind = error.role.capitalize()
    missing = f"no folder {error.folder!r}" if error.folder else f"no {kind} folder that I know"
    return (
        f"Account {error.account!r} has {missing}; name its {kind} folder as "
        f"accounts.{error.account}.imap.{error.role}_folder in the config."
    )


def _password_missing(error: e.PasswordMissing) -> str:
    return (
        f"There is no password for account {error.account!r} ({error.source}); set "
        "password_command or password_env in the config, or store it in the keychain with "
        "`trimtab init`."
    )


def _login_refused(error: e.LoginRefused) -> str:
    if error.mechanism != "login":
        return (
            f"{error.host} refused the OAuth token of account {error.account!r}; sign in with "
            f"`trimtab login --account {error.account}` as the user that the config names, or see "
            "to token_command."
        )
    return (
        f"{error.host} refused the user name or password of account {error.account!r}; check them "
        "(many providers want an app password here), then try again."
    )


def _server_unreachable(error: e.ServerUnreachable) -> str:
    return (
        f"{error.host}:{error.port} of account {error.account!r} cannot be reached "
        f"({error.reason}); check host, port and network. Nothing was changed, and trimtab goes on "
        "where it stopped."
    )


def _nothing_to_teach(error: e.NothingToTeach) -> str:
    if error.mails == 0:
        return (
            f"Account {error.account!r} has no mail yet; run `trimtab sync` or `trimtab import`, "
            "and check that the Sent folder is not empty."
        )
    return (
        f"None of the {error.mails} mails of account {error.account!r} teaches; check that "
        f"accounts.{error.account}.addresses holds every address that you write from."
    )


def _base_not_found(error: m.BaseNotFound) -> str:
    if error.base.count("/") == 1 and not error.base.startswith(("/", "~", ".")):
        return (
            f"The base model {error.base!r} is not on this machine; fetch it with `trimtab "
            f"models download {error.base}`, or set train.base to 'pocket'."
        )
    return (
        f"There is no base model {error.base!r}; set train.base to 'auto', to 'pocket', or to a "
        "directory that mlx-lm can load."
    )


def _too_few_lessons(error: m.TooFewLessons) -> str:
    return (
        f"Account {error.account!r} has {error.have} lessons and needs {error.need} to train; "
        "run `trimtab teach` first, or wait for more mail. Until then your style card is used."
    )


def _home_in_use(error: e.HomeInUse) -> str:
    return (
        f"Another trimtab is running on {error.home}; stop it first, or use that one "
        "(`trimtab status`)."
    )


_SENTENCES: dict[type[BaseException], Callable[[Any], str]] = {
    e.ConfigMissing: lambda x: f"There is no config at {x.path} yet; make one with `trimtab init`.",
    e.ConfigInvalid: _config_invalid,
    e.AccountUnknown: _account_unknown,
    e.PasswordMissing: _password_missing,
    e.CommandFailed: lambda x: (
        f"{x.setting} of account {x.account!r} {x.reason}; try it in a terminal: its first "
        "line has to be the secret, and nothing is typed to it."
    ),
    e.KeychainMissing: lambda x: (
        f"The keychain cannot be used for account {x.account!r} ({x.reason}); unlock it, or name a "
        "source in the config instead: password_command or password_env, or token_command for "
        "OAuth."
    ),
    e.ProviderMissing: lambda x: (
        f"Account {x.account!r} names no OAuth provider; add the table accounts.{x.account}.oauth "
        "with provider and client_id to the config."
    ),
    e.SignInNeeded: lambda x: (
        f"Account {x.account!r} is not signed in ({x.reason}); sign in with `trimtab login "
        f"--account {x.account}`."
    ),
    e.SignInFailed: lambda x: (
        f"The sign-in of account {x.account!r} failed: {x.reason}. Nothing was changed; try "
        f"`trimtab login --account {x.account}` again."
    ),
    e.ClientRefused: lambda x: (
        f"{x.host} refused the OAuth client of account {x.account!r} ({x.code}); check client_id "
        f"and scope in accounts.{x.account}.oauth and the client's secret, then run `trimtab login "
        f"--account {x.account}`."
    ),
    e.LoginRefused: _login_refused,
    e.ServerMissing: lambda x: (
        f"Account {x.account!r} has no IMAP server; add the table accounts.{x.account}.imap to the "
        "config, or take mail from files with `trimtab import`."
    ),
    e.FolderNotFound: _folder_not_found,
    e.HostUnknown: lambda x: (
        f"There is no machine {x.host!r} to train on; correct train.hosts, whose first is this one."
    ),
    e.FolderEmpty: lambda x: (
        f"The Sent folder of account {x.account!r} is empty, so there is nothing to learn from; "
        f"name another one as accounts.{x.account}.imap.sent_folder in the config, or take older "
        "mail from files with `trimtab import`."
    ),
    e.FolderShrunk: lambda x: (
        f"{x.lost} of the {x.of} mails of account {x.account!r} are gone from its Sent folder at "
        "once; nothing was forgotten yet. Say which is right: `trimtab sync --account "
        f"{x.account} --deleted forget` (you deleted them), or `--deleted keep` (learn from them "
        "still)."
    ),
    e.FolderUnstable: lambda x: (
        f"The server of account {x.account!r} gives its folders no lasting numbers (UIDVALIDITY); "
        "export the folder and use `trimtab import`."
    ),
    e.DemoNotInstalled: lambda _: (
        "The demo needs its extra; install it with `pip install 'trimtab[demo]'`."
    ),
    e.MailboxFull: lambda x: (
        f"The mailbox of account {x.account!r} is full, so nothing was put into it; make room "
        "there, then try again."
    ),
    e.MessageTooBig: lambda x: (
        f"The server of account {x.account!r} takes no message of this size, so nothing was put "
        "into the mailbox; shorten the mail."
    ),
    e.AppendRefused: lambda x: (
        f"The server of account {x.account!r} takes no message into its folder {x.folder!r}; check "
        "that your mail program may write there, or name another folder in the config."
    ),
    e.SavingUnknown: lambda x: (
        f"The connection to {x.host} was lost while a draft of account {x.account!r} was on its "
        "way, so it may be in the Drafts folder or not. Save it again: trimtab looks there first, "
        "and never makes a second one."
    ),
    e.SendingRefused: lambda x: (
        f"The mail was not sent from account {x.account!r}: {x.reason}. The draft is kept."
    ),
    e.SendingFailed: lambda x: (
        f"The mail was not sent: {x.host}:{x.port} of account {x.account!r} cannot be reached "
        f"({x.reason}); check host, port and network, then send it again. The draft is kept."
    ),
    e.SendingUnknown: lambda x: (
        f"It is not known whether the mail left account {x.account!r}: the connection to {x.host} "
        "was lost before its last answer, and no copy was found in Sent. trimtab does not send it "
        "again by itself: look into Sent and the Outbox, and only if it is in neither, send it "
        'with "again".'
    ),
    e.NothingToTeach: _nothing_to_teach,
    research.BlindTestUnready: lambda x: (
        f"There is nothing to compare for account {x.account!r}: no evaluation of it that has "
        f"ended has {' and '.join(x.systems) or 'two systems'} on the same mails, with different "
        "texts; run `trimtab eval table` first."
    ),
    research.LinkSpent: lambda _: (
        "This link was used before, or is not the one that trimtab printed; run `trimtab eval "
        "--blind` again for another one."
    ),
    e.AgentMissing: lambda x: (
        f"Account {x.account!r} has no agent yet; make one with `trimtab train`."
    ),
    research.NumberUnknown: lambda x: (
        f"The report has no number {x.name!r}; `trimtab report --names` lists all names."
    ),
    research.TooFewPeople: lambda x: (
        f"The experiment {x.experiment!r} needs the mail of two people at least; name more "
        "accounts with --people, or load a corpus with `trimtab corpus load`."
    ),
    research.RulesUnreadable: lambda x: (
        f"{x.path} holds no rules written by hand ({x.reason}); write one `Aspect: instruction` a "
        "line into a file `<account>.txt`."
    ),
    e.HomeInUse: _home_in_use,
    e.StoreFull: lambda x: (
        f"The disk that holds {x.path} is full; make room and try again. What was stored is safe, "
        "and the step that failed left nothing half-done."
    ),
    e.StoreDamaged: lambda x: (
        f"{x.path} is damaged; nothing was changed in it. Put a backup in its place, or move it "
        "away and take your mail in anew with `trimtab sync` or `trimtab import`."
    ),
    e.StoreLocked: lambda x: (
        f"Another program holds {x.path}; close it. Nothing was changed, and trimtab tries again."
    ),
    e.StoreTooNew: lambda x: (
        f"{x.path} was written by a newer trimtab (format {x.found}, this one knows {x.known}); "
        "update trimtab."
    ),
    e.LargeUnknown: lambda x: (
        f"There is no large model {x.name!r} in the config (known: "
        f"{', '.join(x.known) or 'none; add a table large.NAME'})."
    ),
    e.CloudForbidden: lambda x: (
        f"Account {x.account!r} lets no mail leave this machine for that, and {x.model!r} is "
        f"elsewhere; set accounts.{x.account}.cloud = {x.needs!r} in the config, or use a model on "
        "this machine."
    ),
    e.MailExcluded: lambda x: (
        f"This mail stays on this machine: accounts.{x.account}.exclude names its {x.by}. Use a "
        "model on this machine, or change the config."
    ),
    e.ExclusionsUnknown: lambda x: (
        f"Which mails of account {x.account!r} the config excludes by folder or label is not known "
        "yet; run `trimtab sync` first."
    ),
    e.BudgetSpent: lambda x: (
        f"The budget of the {x.period} ({x.cap_usd:.2f} USD) does not reach for more; teaching "
        f"goes on with the next {x.period}, or raise budget.{x.period}_usd in the config."
    ),
    e.PriceUnknown: lambda x: (
        f"The price of {x.model!r} is unknown, so that the budget cannot be kept; give its "
        "price_input and price_output (USD per million tokens) in the config."
    ),
    e.SourceUnreadable: lambda x: (
        f"{x.path} cannot be read as mail ({x.reason}); give an mbox file, a Maildir, an .eml file "
        "or a directory of them."
    ),
    research.CorpusUnreadable: lambda x: (
        f"{x.path} cannot be read as the corpus {x.corpus!r} ({x.reason}); give "
        f"{_CORPORA.get(x.corpus, 'another file')}."
    ),
    research.HomeTaken: lambda x: (
        f"The home {x.home} holds the account {x.account!r}, which is not of the corpus "
        f"{x.corpus!r}; research has a home of its own: name an empty folder, as in `export "
        "TRIMTAB_HOME=~/research`, and run it again."
    ),
    research.PeopleMissing: lambda x: (
        f"The corpus {x.corpus!r} has nobody "
        + (f"called {x.person!r}" if x.person else f"with {x.least} texts or more")
        + "; see whom it has with --list, or ask for fewer texts with --least."
    ),
    e.DraftNotFound: lambda x: f"There is no draft {x.draft_id!r}.",
    e.DraftCancelled: lambda x: f"Draft {x.draft_id!r} was cancelled; your bullets are kept.",
    e.SinceUnreadable: lambda x: (
        f"{x.given!r} is no span of time; give a number and s, m, h or d, such as 90s, 15m, 1h or "
        "2d."
    ),
    e.JobNotFound: lambda x: f"There is no job {x.job_id}; `trimtab status` shows the last ones.",
    e.ExtensionMissing: lambda x: (
        f"There is no extension in {x.folder}, where this installation should have it; install "
        "trimtab again."
    ),
    e.FileForeign: lambda x: (
        f"{x.path} is another program's, and was left as it is; move it away and try again."
    ),
    e.FileRefused: lambda x: f"{x.path} cannot be changed ({x.reason}); see to that and try again.",
    e.ServiceUnreachable: lambda x: (
        f"{x.manager} cannot be reached ({x.reason}), so nothing was installed; log in on the "
        "desktop or by ssh and try again, or, in a container, let what starts its programs start "
        "`trimtab run`."
    ),
    e.ServiceRefused: lambda x: f"`{x.command}` failed ({x.reason}); see to that and try again.",
    e.FolderTaken: lambda x: (
        f"{x.path} is not empty, and nothing was changed; "
        + ("keep what is there aside with --force." if x.forcible else "name an empty folder.")
    ),
    e.BackupUnreadable: lambda x: (
        f"{x.path} is no backup that can be restored ({x.reason}); nothing was changed."
    ),
    e.MailNotFound: lambda _: (
        "There is no mail of that id; `trimtab export` shows the ids of all that is kept."
    ),
    e.DateUnreadable: lambda x: f"{x.text!r} is no date; write it as 2025-12-31.",
    e.PortMissing: lambda x: (
        f"{x.path} names no port for a client that can use no Unix socket; set api.port there, "
        "such as 8765, restart the daemon, and try again."
    ),
    e.TokenMissing: lambda x: (
        f"There is no token at {x.path} yet, for the daemon was started before api.port was set; "
        "restart it and try again."
    ),
    e.SocketPathTooLong: lambda x: (
        f"{x.socket} is too long for a socket ({x.limit} bytes at most); set TRIMTAB_HOME to a "
        "shorter path."
    ),
    e.PortTaken: lambda x: (
        f"Port {x.port} of 127.0.0.1 cannot be had ({x.reason}); name another one as api.port in "
        "the config, or 0 for none."
    ),
    e.TokenRefused: lambda _: (
        "Show trimtab's token, which is in run/token of its home, as `Authorization: Bearer ...`."
    ),
    e.HostRefused: lambda x: f"trimtab answers as 127.0.0.1:{x.port} here, and as no other host.",
    e.OriginRefused: lambda _: "trimtab answers no web page.",
    e.NotJson: lambda _: "A request's body has to be JSON, and its type application/json.",
    e.HeadTooLarge: lambda x: (
        f"The request's first line and headers are larger than {x.limit // 1024} KiB; shorten them."
    ),
    e.RequestMalformed: lambda _: "This is no request of HTTP/1.1 that trimtab understands.",
    e.RequestTooSlow: lambda x: (
        f"The request did not come whole in {x.seconds:.0f} s; send it again, in one go."
    ),
    e.DaemonNotReady: lambda _: "trimtab is starting, or ending; try again in a moment.",
    e.TooManyConnections: lambda x: (
        f"trimtab is at work for {x.limit} connections already; close some, or try again later."
    ),
    e.TooManyDrafts: lambda x: (
        f"{x.limit} drafts are being written already; wait for one, or cancel one. Your bullets "
        "are kept."
    ),
    e.ServerUnreachable: _server_unreachable,
    e.ServerBusy: lambda x: (
        f"{x.host} asks account {x.account!r} to wait {x.delay_s:.0f} s; trimtab tries again then."
    ),
    e.WriterUnavailable: lambda x: (
        f"The writer {x.model!r} did not answer ({x.reason}); your bullets are kept. Try again."
    ),
    m.BaseNotFound: _base_not_found,
    m.BaseDamaged: lambda x: (
        f"The base model {x.base!r} cannot be loaded ({x.reason}); download or convert it again."
    ),
    m.TooFewLessons: _too_few_lessons,
    m.TrainingDiverged: lambda x: (
        f"Training for account {x.account!r} went astray at step {x.step} (the loss only grows, "
        "or is no number); nothing was written, and the agent in use stays. Lower "
        "train.learning_rate and train again."
    ),
    m.MemoryShort: lambda x: (
        f"Training for account {x.account!r} needs more memory than there is with the base "
        f"{x.base!r}; the agent in use stays. Close other programs, or choose a smaller train.base."
    ),
    m.TrainingPaused: lambda x: (
        f"Training for account {x.account!r} was paused at step {x.step} of {x.steps}, for its "
        "time was over; the next run goes on from there."
    ),
    m.AdapterNotFound: lambda x: (
        f"There is no adapter {x.adapter_id!r}; `trimtab adapters list` shows those there are."
    ),
    m.AdapterDamaged: lambda x: (
        f"Adapter {x.adapter_id!r} is damaged ({x.reason}); go back with `trimtab adapters "
        "rollback`, or train again."
    ),
    m.DiskFull: lambda _: (
        "The disk is full; make room and try again. Nothing was left half-done, and the agent in "
        "use stays."
    ),
    m.RoomMissing: lambda x: (
        f"The disk has no room for {x.model}"
        f"{f', which needs {x.need / 1e9:.1f} GB more' if x.need else ''}; make room and run it "
        "again: what was fetched is kept."
    ),
    m.HubRefused: lambda x: (
        f"The model hub does not give {x.model!r} ({x.reason}); `trimtab models list` shows the "
        "models that trimtab knows."
    ),
    m.DownloadDamaged: lambda x: (
        f"{x.file} of {x.model} is not what the hub says it is, and was thrown away; run it again, "
        "over another network if that does not help."
    ),
    m.DownloadRunning: lambda x: f"{x.model} is being downloaded already; wait for that one.",
    m.BaseInUse: lambda x: (
        f"{x.base} is needed: it is {x.by}. Name another train.base and train on it first, or "
        "remove it all the same with --force."
    ),
    m.HubUnreachable: lambda x: (
        f"The model hub cannot be reached ({x.reason}); look at the network and run it again: what "
        f"was fetched of {x.model} is kept."
    ),
    m.ProtocolRefused: lambda x: (
        f"The model process speaks version {x.spoken} of its protocol, and was asked in version "
        f"{x.asked}: trimtab was changed while it ran; start it again."
    ),
    m.WorkerFailed: lambda x: (
        f"The model process failed ({x.kind}), by a bug of trimtab's; nothing was lost. Please "
        "report it with the log."
    ),
    m.KeyMissing: lambda x: (
        f"There is no key for the large model {x.model!r} ({x.source}); store it with `trimtab key "
        f"{x.model}`, or name key_command or key_env for it in the config."
    ),
    m.KeyRefused: lambda x: (
        f"The provider of {x.model!r} refused the key ({x.reason}); look at your account there, or "
        f"store another one with `trimtab key {x.model}`."
    ),
    m.ModelMissing: lambda x: (
        f"There is no large model {x.model!r} where the config says; correct its name there, or "
        "its base_url (most end in /v1)."
    ),
    m.RequestRefused: lambda x: (
        f"The provider of {x.model!r} does not take the request ({x.reason}); see its settings in "
        "the config, its max_tokens and thinking above all."
    ),
    m.ExtraMissing: lambda x: (
        f"This needs {x.package}, which is not installed; install it with `pip install "
        f"'trimtab[{x.extra}]'`."
    ),
    m.TooFewAuthors: lambda x: (
        f"Whose a text is can be told of {x.need} people or more, and here "
        f"{'is' if x.have == 1 else 'are'} {x.have}; name more accounts."
    ),
    m.TooFewTexts: lambda x: (
        f"Account {x.account!r} has {x.have} mails to know its author by, and needs {x.need}; "
        "leave it out, or take in more of its mail."
    ),
    m.RateLimited: lambda x: (
        f"{x.model!r} is asked more than your account there allows; trimtab goes on "
        f"{'later' if x.delay_s is None else f'in {x.delay_s:.0f} s'}."
    ),
    m.ModelOverloaded: lambda x: f"{x.model!r} cannot answer now; try again in a while.",
    m.ModelUnreachable: lambda x: (
        f"{x.model!r} cannot be reached ({x.reason}); look at the network and at its base_url in "
        "the config, and try again."
    ),
    m.WorkerDied: lambda x: (
        f"The model process ended (exit code {x.exit_code}); it is started anew for the next "
        "request. Try again."
    ),
    m.WorkerBusy: lambda _: "The model is being trained; try again in a few minutes.",
    m.AnswerMalformed: lambda x: (
        f"The large model's answer to {x.prompt!r} could not be used ({x.reason}); try again."
    ),
    m.AnswerRefused: lambda x: (
        f"The large model declined to answer {x.prompt!r}; word your points differently, or name "
        "another model in the config."
    ),
    m.AnswerCutOff: lambda x: (
        f"The large model's answer to {x.prompt!r} was cut off at {x.max_tokens} tokens; raise its "
        "max_tokens in the config."
    ),
    m.PromptTooLong: lambda x: (
        f"The mail is too long for the large model ({x.prompt!r}); shorten what it answers, or "
        "name another model in the config."
    ),
}
