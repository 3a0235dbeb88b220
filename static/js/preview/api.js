// The public API as this page uses it: one client token, events first, then the next page.

export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export class Api {
  constructor({ user, token, feedUrl, eventsUrl, nowMs, mode }) {
    this.user = user;
    this.token = token;
    this.feedUrl = feedUrl;
    this.eventsUrl = eventsUrl;
    this.mode = mode;
    // The server's clock orders the events; this one only counts on from it.
    this.clockMs = nowMs - performance.now();
    this.timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || undefined;
    this.device = "web";
    this.queue = [];
    this.sending = Promise.resolve();
  }

  nowMs() {
    return this.clockMs + performance.now();
  }

  /** Note an event; it is sent with the next `flush`. */
  record(type, fields, atMs = this.nowMs()) {
    this.queue.push({
      event_id: crypto.randomUUID?.() ?? randomId(),
      type,
      user_id: this.user,
      timestamp: new Date(atMs).toISOString(),
      platform: "preview",
      context: { device: this.device, timezone: this.timezone },
      ...fields,
    });
  }

  /** Send what is noted, in order; what fails stays noted for the next attempt. */
  flush() {
    this.sending = this.sending.catch(() => {}).then(() => this.#sendQueue());
    return this.sending;
  }

  /** Send what is noted while the page goes away: no answer can be waited for. */
  flushOnUnload() {
    if (!this.queue.length) return;
    const events = this.queue.splice(0, 500);
    this.#post(events).catch(() => {});
  }

  async feed({ limit, cursor, unseen }) {
    const query = new URLSearchParams({ user_id: this.user, mode: this.mode, limit, explain: 1 });
    query.set("utc_offset", -new Date().getTimezoneOffset());
    if (cursor) query.set("cursor", cursor);
    if (cursor && unseen) query.set("unseen", unseen);
    const started = performance.now();
    const response = await this.#fetch(`${this.feedUrl}?${query}`, { cache: "no-store" });
    const answer = await response.json();
    return { answer, roundTripMs: performance.now() - started };
  }

  async #sendQueue() {
    while (this.queue.length) {
      const events = this.queue.slice(0, 200);
      try {
        await this.#post(events);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.#forget(events); // said as it is, it will be refused again
        throw error;
      }
      this.#forget(events);
    }
  }

  #forget(events) {
    this.queue = this.queue.filter((event) => !events.includes(event));
  }

  #post(events) {
    return this.#fetch(this.eventsUrl, {
      method: "POST",
      keepalive: true,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ events }),
    });
  }

  async #fetch(url, options) {
    const headers = { ...options.headers, Authorization: `Bearer ${this.token}` };
    let response;
    try {
      response = await fetch(url, { ...options, headers, credentials: "omit" });
    } catch {
      throw new ApiError(0, "offline", "The server did not answer.");
    }
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    const detail = problem.detail || `The server answered ${response.status}.`;
    throw new ApiError(response.status, problem.code || "error", detail);
  }
}

function isRefusal(error) {
  return error.status === 400 || error.status === 413 || error.status === 422;
}

// Over plain http on another machine there is no crypto.randomUUID.
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
