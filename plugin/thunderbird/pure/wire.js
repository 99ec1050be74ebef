// The two ways in which the daemon's answers arrive, as bytes make messages. Pure.

/** Joins the pieces of the host's long messages; `take` gives a whole message or null. */
export class Joiner {
  #pieces = new Map();

  take(message) {
    if (!("part" in message)) return message;
    const text = (this.#pieces.get(message.id) ?? "") + message.part;
    if (message.last) {
      this.#pieces.delete(message.id);
      return JSON.parse(text);
    }
    this.#pieces.set(message.id, text);
    return null;
  }
}

/** Parses server-sent events (HTML standard, 9.2.6), which may be cut anywhere. */
export class EventParser {
  #rest = "";
  #name = "";
  #data = [];

  /** The events `{event, data}` that this piece of text completes. */
  push(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    return lines.map((line) => this.#line(line.replace(/\r$/u, ""))).filter((event) => event !== null);
  }

  #line(line) {
    const [, field, value] = /^([^:]*):? ?(.*)$/u.exec(line);
    if (line === "") return this.#event();
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    return null;
  }

  #event() {
    if (this.#data.length === 0) return null;
    const event = { event: this.#name, data: JSON.parse(this.#data.join("\n")) };
    [this.#name, this.#data] = ["", []];
    return event;
  }
}
