// How the daemon is reached: its native host, or HTTP where that cannot be (sandboxed packages).
//
// Both ways, `exchange` gives the same messages: `{event, data}` each, of a stream, or one
// `{status, data}`. An AbortSignal hangs up at once. Every failure is an ApiError.

import { EventParser, Joiner } from "./pure/wire.js";

const HOST = "trimtab";
const IDLE_MS = 20_000;
const AWAKE_MS = 10_000; // an event page is unloaded after 30 s without a call of an API

/** The daemon's answer was an error, or none came; `message` is for the user. */
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The messages that answer a request; see the top. */
export async function* exchange(request, signal) {
  try {
    yield* native.exchange(request, signal);
  } catch (error) {
    if (!(error instanceof NoHost)) throw error;
    const http = await Http.fromSettings();
    if (http === null) throw new ApiError("not_connected", browser.i18n.getMessage("notConnected"));
    yield* http.exchange(request, signal);
  }
}

/** The whole answer's data; raises ApiError where it is an error. */
export async function call(method, path, body, signal) {
  for await (const { status, data } of exchange({ method, path, body }, signal)) {
    return answered(status, data);
  }
  throw lost();
}

/** A stream's events; raises ApiError on an `error`, and where the stream ends before `done`. */
export async function* stream(method, path, body, signal) {
  for await (const message of exchange({ method, path, body }, signal)) {
    if ("status" in message) answered(message.status, message.data);
    if (message.event === "error") throw errorOf(message.data);
    yield message;
    if (message.event === "done") return;
  }
  if (!signal?.aborted) throw lost();
}

function answered(status, data) {
  if (status >= 200 && status < 300) return data;
  throw errorOf(data);
}

/** The daemon speaks English; other languages have words of their own for what happens in drafting. */
function errorOf(data) {
  const { code = "unexpected_answer", message } = data?.error ?? {};
  const words = /^\w+$/u.test(code) ? browser.i18n.getMessage(`trouble_${code}`) : "";
  return new ApiError(code, words || (message ?? browser.i18n.getMessage("unexpectedAnswer")));
}

const lost = () => new ApiError("connection_lost", browser.i18n.getMessage("connectionLost"));

// --- native messaging --------------------------------------------------------------------------

/** Thunderbird knows no native host of ours. */
class NoHost extends Error {}

/** One port for all requests; it is closed when it has not been used for a while. */
class Native {
  #port = null;
  #joiner = new Joiner();
  #waiting = new Map();
  #idle = null;

  async *exchange({ method, path, body }, signal) {
    const id = crypto.randomUUID();
    const inbox = new Inbox();
    const cancel = () => {
      this.#port?.postMessage({ cancel: id });
      inbox.close();
    };
    if (signal?.aborted) return;
    signal?.addEventListener("abort", cancel);
    this.#waiting.set(id, inbox);
    try {
      this.#open().postMessage({ id, method, path, ...(body === undefined ? {} : { body }) });
      for await (const message of inbox) {
        if (message.noHost) throw new NoHost();
        yield message;
      }
    } finally {
      if (!inbox.closed) cancel();
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(id);
      this.#rest();
    }
  }

  #open() {
    clearTimeout(this.#idle);
    if (this.#port === null) {
      const port = browser.runtime.connectNative(HOST);
      this.#joiner = new Joiner();
      port.onMessage.addListener((message) => this.#hear(message));
      port.onDisconnect.addListener(() => this.#end(port));
      this.#port = port;
    }
    return this.#port;
  }

  #hear(piece) {
    const message = this.#joiner.take(piece);
    const inbox = message && this.#waiting.get(message.id);
    if (!inbox) return;
    if (!message.end) inbox.put(message);
    if (message.end || "status" in message) inbox.close();
  }

  #end(port) {
    if (this.#port !== port) return;
    this.#port = null;
    const noHost = /no such native application/iu.test(port.error?.message ?? "");
    const error = { code: "connection_lost", message: browser.i18n.getMessage("connectionLost") };
    for (const inbox of this.#waiting.values()) {
      inbox.put(noHost ? { noHost } : { status: 0, data: { error } });
      inbox.close();
    }
  }

  #rest() {
    clearTimeout(this.#idle);
    if (this.#waiting.size > 0) return;
    this.#idle = setTimeout(() => {
      this.#port?.disconnect();
      this.#port = null;
    }, IDLE_MS);
  }
}

const native = new Native();

/** Messages from a callback, for one loop to wait for. */
class Inbox {
  closed = false;
  #messages = [];
  #wake = () => {};

  put(message) {
    if (!this.closed) this.#messages.push(message);
    this.#wake();
  }

  close() {
    this.closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#messages.length > 0) yield this.#messages.shift();
      if (this.closed) return;
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

// --- HTTP --------------------------------------------------------------------------------------

/** The daemon's port on 127.0.0.1, with the token that the installer put into managed storage. */
class Http {
  #base;
  #headers;

  constructor({ port, token }) {
    this.#base = `http://127.0.0.1:${port}`;
    this.#headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  }

  static async fromSettings() {
    const settings = await browser.storage.managed.get().catch(() => ({}));
    return settings.port && settings.token ? new Http(settings) : null;
  }

  async *exchange({ method, path, body }, signal) {
    const awake = setInterval(() => browser.runtime.getPlatformInfo(), AWAKE_MS);
    try {
      const response = await this.#fetch(method, path, body, signal);
      const type = response.headers.get("content-type") ?? "";
      if (type.startsWith("text/event-stream")) yield* events(response.body);
      else yield { status: response.status, data: await json(response) };
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (!signal?.aborted) throw lost();
    } finally {
      clearInterval(awake);
    }
  }

  async #fetch(method, path, body, signal) {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const options = { method, headers: this.#headers, signal, credentials: "omit", ...content };
    try {
      return await fetch(this.#base + path, options);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError("daemon_not_running", browser.i18n.getMessage("daemonNotRunning"));
    }
  }
}

async function json(response) {
  const text = await response.text();
  return text === "" ? null : JSON.parse(text);
}

async function* events(body) {
  const parser = new EventParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
