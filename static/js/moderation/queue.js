// The review queue by keyboard. Every key is handled after the one before it, so that fast typing
// means what was typed. Without this script the page works by its links and buttons.

const bench = document.querySelector("[data-bench]");
const panel = bench.querySelector("[data-panel]");
const toast = document.querySelector("[data-toast]");
const keys = document.querySelector("[data-keys]");
const empty = bench.querySelector("[data-empty]");
const token = bench.querySelector("[name=csrfmiddlewaretoken]").value;

const ACTIONS = { a: "none", g: "age_restrict", l: "limit", r: "remove", w: "warn", s: "suspend" };
const HEARTBEAT_MS = 180_000;
const preloaded = new Map(); // panel's HTML by case
let pending = null; // an action that waits for its reason
let last = null; // {decision, link, before}: what z undoes

const links = () => [...bench.querySelectorAll("[data-case]")];
const current = () => panel.querySelector("[data-current]");
const isMine = () => current()?.hasAttribute("data-claimed") ?? false;
const say = (text) => { toast.textContent = text; };

// One request at a time: what is preloaded never races with what is decided.
let wire = Promise.resolve();
function ask(address, options) {
  const answer = wire.then(() => fetch(address, options));
  wire = answer.catch(() => {});
  return answer;
}

async function post(address, fields = {}) {
  const body = new URLSearchParams(fields);
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  const answer = await ask(address, { method: "POST", body, headers });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail ?? `The server answered ${answer.status}.`);
  return said;
}

async function fetchPanel(id) {
  if (!preloaded.has(id)) {
    const answer = await ask(`${bench.dataset.cases}${id}/?panel`);
    if (!answer.ok) throw new Error(`The case could not be read (${answer.status}).`);
    preloaded.set(id, await answer.text());
  }
  const html = preloaded.get(id);
  preloaded.delete(id); // it may change while it is looked at
  return html;
}

function preload(link) {
  const id = link?.dataset.case;
  if (!id || preloaded.has(id)) return;
  ask(`${bench.dataset.cases}${id}/?panel`)
    .then((answer) => (answer.ok ? answer.text() : null))
    .then((html) => { if (html) preloaded.set(id, html); })
    .catch(() => {});
}

async function show(link) {
  pending = null;
  for (const other of links()) other.removeAttribute("aria-current");
  empty?.toggleAttribute("hidden", links().length > 0);
  if (!link) { panel.replaceChildren(); return; }
  link.setAttribute("aria-current", "true");
  link.scrollIntoView({ block: "nearest" });
  panel.innerHTML = await fetchPanel(link.dataset.case); // made by our own templates, escaped there
  panel.scrollTop = 0;
  const all = links();
  preload(all[all.indexOf(link) + 1]);
}

const selected = () => bench.querySelector("[data-case][aria-current]");

async function move(step) {
  const all = links();
  const next = all[Math.min(Math.max(all.indexOf(selected()) + step, 0), all.length - 1)];
  if (next && next !== selected()) await show(next);
}

async function claim() {
  const article = current();
  if (!article) return;
  await post(`${bench.dataset.cases}${article.dataset.current}/claim`);
  article.setAttribute("data-claimed", "");
  article.querySelector("[data-holder]").textContent = "Yours for ten minutes.";
  say("Claimed.");
}

function reasons() { return [...panel.querySelectorAll("input[name=reason]")]; }

async function choose(number) {
  const radio = reasons()[number - 1];
  if (!radio) return;
  radio.checked = true;
  if (pending) await decide(pending);
}

async function decide(action) {
  const article = current();
  if (!article) return;
  if (!isMine()) { say("Claim it first: c."); return; }
  const form = Object.fromEntries(new FormData(panel.querySelector("[data-decide]")));
  if (action !== "none" && !form.reason) { pending = action; say("Reason? 1 to 9."); return; }
  const said = await post(`${bench.dataset.cases}${article.dataset.current}/decide`, { ...form, action });
  say(`${said.did}. z undoes, for ${said.undo_seconds} seconds.`);
  await leave(said.decision);
}

async function leave(decision) {
  const link = selected();
  const next = link?.nextElementSibling?.matches("[data-case]") ? link.nextElementSibling : link?.previousElementSibling;
  last = link && decision ? { decision, link, before: link.nextElementSibling } : null;
  link?.remove();
  if (link) await show(next?.matches("[data-case]") ? next : null);
  else location.assign(bench.dataset.cases.replace("cases/", ""));
}

async function undo() {
  if (!last) { say("Nothing to undo."); return; }
  const { decision, link, before } = last;
  last = null;
  await post(`${bench.dataset.decisions}${decision}/undo`);
  if (before?.isConnected) before.before(link);
  else bench.querySelector(".list").prepend(link);
  await show(link);
  say("Undone; the case is open again.");
}

async function escalate() {
  const article = current();
  if (!article) return;
  if (!isMine()) { say("Claim it first: c."); return; }
  const note = panel.querySelector("[name=note]").value;
  await post(`${bench.dataset.cases}${article.dataset.current}/escalate`, { note });
  say("Escalated.");
  await leave(null);
}

function unblur() {
  const media = panel.querySelector("[data-media]");
  if (!media) { say("There is no media."); return; }
  if (!media.querySelector("video, img")) media.prepend(shown(media));
  media.classList.toggle("is-blurred");
}

function shown(media) {
  const { kind, src } = media.dataset;
  const isImage = kind ? kind === "image" : /\.(jpe?g|png|webp|gif)([?#]|$)/i.test(src);
  const made = document.createElement(isImage ? "img" : "video");
  if (isImage) made.alt = "";
  else Object.assign(made, { muted: true, controls: true, preload: "metadata" });
  made.addEventListener("error", () => {
    media.querySelector("[data-told]").textContent =
      "The media cannot be shown: it is gone, or its origin is not in RECSYS_MEDIA_ORIGINS.";
  });
  made.src = src;
  return made;
}

async function handle(key) {
  if (key in ACTIONS) return decide(ACTIONS[key]);
  if (/^[1-9]$/.test(key)) return choose(Number(key));
  if (key === "j") return move(1);
  if (key === "k") return move(-1);
  if (key === "c") return claim();
  if (key === "e") return escalate();
  if (key === "z") return undo();
  if (key === "b") return unblur();
  if (key === "?") return keys.showModal();
  return undefined;
}

let queue = Promise.resolve();
let waiting = 0;
function enqueue(work) {
  waiting += 1;
  bench.setAttribute("aria-busy", "true");
  queue = queue.then(work).catch((error) => say(error.message)).finally(() => {
    waiting -= 1;
    if (!waiting) bench.removeAttribute("aria-busy");
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || keys.open) return;
  if (event.target.matches("textarea, select, input:not([type=radio])")) return;
  if (!/^[a-z1-9?]$/.test(event.key)) return;
  event.preventDefault();
  enqueue(() => handle(event.key));
});

bench.addEventListener("click", (event) => {
  const link = event.target.closest("[data-case]");
  const button = event.target.closest("button");
  if (link && !event.ctrlKey && !event.metaKey) { event.preventDefault(); enqueue(() => show(link)); }
  else if (button?.matches("[data-unblur]")) unblur();
  else if (button?.matches("[data-claim]")) { event.preventDefault(); enqueue(claim); }
  else if (button?.matches("[data-escalate]")) { event.preventDefault(); enqueue(escalate); }
  else if (button?.name === "action") { event.preventDefault(); enqueue(() => decide(button.value)); }
});

document.querySelector("[data-help]").addEventListener("click", () => keys.showModal());
setInterval(() => { if (isMine()) post(`${bench.dataset.cases}${current().dataset.current}/claim`).catch((error) => say(error.message)); }, HEARTBEAT_MS);
const first = selected();
if (first) preload(links()[links().indexOf(first) + 1]);
