// One drafting per compose tab. It lives here, in the background, so that closing the window loses
// nothing; and in storage.session, so that the background being unloaded does not either.

import { newMemory, situationOf, warmOf } from "./compose.js";
import { backToMail, bulletsIn, insertDraft } from "./insert.js";
import { keepNoticed, takeNoticed } from "./noticing.js";
import { bulletsOf } from "./pure/bullets.js";
import { began, busy, failed, fresh, heard, requestOf, stopped, ticked } from "./pure/drafting.js";
import { noticed } from "./pure/provenance.js";
import { report, reportKept, takeBack } from "./sent.js";
import { ApiError, call, stream } from "./transport.js";
import { windowOf } from "./windows.js";

const sessions = new Map();

/** The session of a compose tab, as it was left, or a new one. */
export function sessionOf(tabId) {
  if (!sessions.has(tabId)) sessions.set(tabId, Session.load(tabId));
  return sessions.get(tabId);
}

/** Nothing more is asked of a compose tab. */
export async function forget(tabId) {
  const session = await sessionOf(tabId);
  session.cancel();
  sessions.delete(tabId);
  await browser.storage.session.remove(session.place);
}

export class Session {
  state = fresh();
  #tabId;
  #windows = new Set();
  #aborting = null;
  #memory = newMemory();

  constructor(tabId) {
    this.#tabId = tabId;
  }

  static async load(tabId) {
    const session = new Session(tabId);
    const { [session.place]: stored } = await browser.storage.session.get(session.place);
    if (stored) session.state = stored;
    if (busy(session.state)) session.#resume();
    return session;
  }

  /** The background was unloaded in mid-draft: the same request gives the same draft. */
  #resume() {
    const { request } = this.state;
    if (request === null) this.#set(stopped(this.state));
    else this.#ask(() => request);
  }

  get place() {
    return `session:${this.#tabId}`;
  }

  /** A window shows this session: `show` is called with every state. Returns how to end that. */
  watch(show) {
    this.#windows.add(show);
    show(this.state);
    return () => this.#windows.delete(show);
  }

  #set(state) {
    this.state = state;
    for (const show of this.#windows) show(state);
    if (state.phase !== "writing" || state.text === "") this.keep();
  }

  /** Into storage.session. */
  keep() {
    return browser.storage.session.set({ [this.place]: this.state });
  }

  // --- opening ---------------------------------------------------------------------------------

  /** The window opens: bullets from the mail are taken along, and the daemon is warmed. */
  async opened() {
    await Promise.all([this.#takeBullets(), this.#warm(), this.#takeNoticed()]);
  }

  async #takeNoticed() {
    const kept = await takeNoticed();
    if (kept !== null) this.#set({ ...this.state, noticed: kept });
  }

  async #takeBullets() {
    if (this.state.bullets !== "" || this.state.inserted !== null) return;
    const bullets = await bulletsIn(this.#tabId).catch(() => ""); // the editor may be gone
    if (bullets !== "" && this.state.bullets === "") this.#set({ ...this.state, bullets, taken: true });
  }

  async #warm() {
    try {
      const situation = await situationOf(this.#tabId, this.#memory);
      await call("POST", "/v1/warm", warmOf(situation));
      await reportKept();
      if (this.state.trouble !== null && !busy(this.state)) this.#set({ ...this.state, trouble: null });
    } catch (error) {
      if (!busy(this.state)) this.#set({ ...this.state, trouble: troubleOf(error) });
    }
  }

  // --- what the user does in the window ----------------------------------------------------------

  typed({ bullets, instruction }) {
    this.state = { ...this.state, bullets, instruction };
    return this.keep();
  }

  tick({ aspect, on }) {
    this.#set(ticked(this.state, aspect, on));
  }

  /** Drafts; `wish` is what is to be done with the former draft, such as to make it shorter. */
  async draft({ wish = "" }) {
    if (busy(this.state)) return;
    if (bulletsOf(this.state.bullets).length === 0) {
      this.#trouble({ code: "no_bullets", message: browser.i18n.getMessage("noBullets") });
      return;
    }
    const before = this.state;
    await this.#ask(async () => {
      const situation = await situationOf(this.#tabId, this.#memory);
      return requestOf(before, situation, wish, crypto.randomUUID());
    });
  }

  /** Asks for a draft and follows its events to the end, or until it is cancelled. */
  async #ask(makeRequest) {
    const { signal } = (this.#aborting = new AbortController());
    this.#set(began(this.state, null));
    try {
      const request = await makeRequest();
      if (signal.aborted) return;
      this.#set({ ...this.state, request });
      for await (const event of stream("POST", "/v1/drafts", request, signal)) {
        if (signal.aborted) return;
        this.#set(heard(this.state, event));
      }
    } catch (error) {
      if (!signal.aborted) this.#set(failed(this.state, troubleOf(error)));
    }
  }

  cancel() {
    if (!busy(this.state)) return;
    this.#aborting?.abort();
    this.#set(stopped(this.state));
  }

  async insert() {
    const { phase, draftId, text } = this.state;
    if (phase !== "done") return;
    const done = await insertDraft(this.#tabId, this.state).catch(() => false);
    if (!done) {
      this.#trouble({ code: "not_inserted", message: browser.i18n.getMessage("notInserted") });
      return;
    }
    this.#set({ ...this.state, inserted: { id: draftId, text }, trouble: null });
    await backToMail(this.#tabId);
  }

  #trouble(trouble) {
    this.#set({ ...this.state, trouble });
  }

  // --- after sending -----------------------------------------------------------------------------

  /** The mail is about to leave, or has not left: what is to be reported of it, or null. */
  leaving(sending) {
    this.state = { ...this.state, sending };
    return this.keep();
  }

  /** The mail has left: the daemon hears what it says now, and the user what was noticed. */
  async sent(messageId) {
    const { sending } = this.state;
    if (sending === null) return;
    try {
      const line = noticed(await report({ ...sending, messageId }));
      await this.#tellNoticed({ draftId: sending.draftId, ...line });
    } catch (error) {
      this.#trouble(troubleOf(error));
    }
  }

  async #tellNoticed(line) {
    this.#set({ ...this.state, noticed: line });
    if ((await windowOf(this.#tabId)) === null) await keepNoticed(line);
  }

  async takeBack() {
    try {
      await takeBack(this.state.noticed.draftId);
      this.#set({ ...this.state, noticed: { draftId: null, key: "takenBack", values: [] } });
    } catch (error) {
      this.#trouble(troubleOf(error));
    }
  }
}

function troubleOf(error) {
  if (error instanceof ApiError) return { code: error.code, message: error.message };
  console.error(error?.name, error?.stack);
  return { code: "bug", message: browser.i18n.getMessage("bug") };
}
