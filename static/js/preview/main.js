// The feed: cards in order, what the viewer does with them, and the next page that follows from it.

import { Api } from "./api.js";
import { Card } from "./cards.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";

const PAGE = 5; // small, so that every page can differ
const AHEAD = 2; // cards not seen yet; fewer ask for more
const SKIP_SECONDS = 2;
const LONG_VIEW_SECONDS = 18;
const SETTLE_MS = 140; // after the last scroll event
const TOAST_MS = 2600;

const app = document.getElementById("app");
const feed = document.querySelector("[data-feed]");
const toasts = document.querySelector("[data-toasts]");
const nowPlaying = document.querySelector("[data-now-playing]");
const help = document.querySelector("[data-help]");
const panelElement = document.getElementById("panel");
const sheetOpener = document.querySelector("[data-open-sheet]");
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const isPhone = matchMedia("(max-width: 720px)");

const api = new Api({
  user: app.dataset.user,
  token: app.dataset.token,
  feedUrl: app.dataset.feedUrl,
  eventsUrl: app.dataset.eventsUrl,
  nowMs: Number(app.dataset.now),
  mode: app.dataset.mode,
});
const panel = new Panel();
const player = new Player();

const cards = []; // shown and to come, in order
let index = -1; // of the card that plays
let cursor = null; // continues after the last card
let ranker = "";
let isLoading = false;
let isStale = false; // the viewer did something since the last request
let isAtEnd = false;
let startedMs = 0; // when the card began to play, server time
let reports = []; // of actions: what was done, and how to tell the log what came of it

// --- asking -----------------------------------------------------------------------------------

/** Ask for the next page. When stale, cards that were not seen yet are ranked again with it. */
async function load() {
  if (isLoading) return;
  isLoading = true;
  feed.setAttribute("aria-busy", "true");
  let failed = false;
  try {
    do {
      const isRerank = isStale && cursor !== null;
      isStale = false;
      await api.flush(); // what was done is in the log before the page is asked for
      const unseen = isRerank ? cards.slice(index + 1) : [];
      const said = reports;
      reports = [];
      const found = await ask(unseen.length);
      await settled();
      const changes = place(found.answer, unseen, said.at(-1)?.text);
      said.forEach((report) => report.tell(changes));
    } while (isStale);
  } catch (error) {
    failed = true;
    isStale = cursor !== null;
    complain(error);
  } finally {
    isLoading = false;
    feed.setAttribute("aria-busy", "false");
  }
  if (!failed && !isAtEnd && cards.length - index - 1 < AHEAD) load();
}

async function ask(unseen) {
  let found;
  try {
    found = await api.feed({ limit: PAGE, cursor, unseen });
  } catch (error) {
    if (error.code !== "cursor-expired") throw error;
    cursor = null; // the scroll was left for long: begin another
    found = await api.feed({ limit: PAGE });
  }
  ranker = found.answer.ranker;
  panel.answered(found, found.answer.items.map((item) => new Card(item).topic));
  return found;
}

/** Put the answer after the cards that were seen; return how many of those to come are new. */
function place(answer, replaced, because) {
  for (const card of replaced) {
    const position = cards.indexOf(card);
    if (position <= index) continue; // the viewer was faster than the answer
    cards.splice(position, 1);
    card.isNear = false;
    card.element.remove();
  }
  const known = new Set(cards.map((card) => card.item.content_id));
  const fresh = answer.items.filter((item) => !known.has(item.content_id));
  const before = new Set(replaced.map((card) => card.item.content_id));
  const isNew = (item) => before.size > 0 && !before.has(item.content_id);
  const changed = fresh.slice(0, replaced.length).filter(isNew);
  for (const item of fresh) {
    append(new Card(item, answer.request_id, isNew(item) && because ? `New since you ${because}` : ""));
  }
  cursor = answer.next_cursor ?? cursor;
  isAtEnd = !answer.items.length;
  document.querySelector("[data-placeholder]")?.remove();
  sayEnd();
  if (index < 0 && cards.length) play(0);
  else renderNear();
  return { changed: changed.length, of: Math.min(replaced.length, fresh.length) };
}

function append(card) {
  card.element.dataset.contentId = card.item.content_id;
  card.element.dataset.creatorId = card.item.creator_id;
  const isFollowed = card.item.source === "followed";
  if (isFollowed || cards.some((other) => other.item.creator_id === card.item.creator_id && other.said.follow)) {
    card.say("follow", true);
  }
  cards.push(card);
  feed.append(card.element);
}

function sayEnd() {
  feed.querySelector(".end")?.remove();
  if (!isAtEnd) return;
  const end = document.createElement("div");
  end.className = "slide end";
  const text = document.createElement("p");
  text.textContent = cards.length
    ? "You have seen everything there is. Come back later, or start over as a new visitor."
    : "There is nothing to show yet. Add contents through the API, then reload.";
  if (api.mode === "following") {
    text.textContent = "That is all from the creators you follow. Follow others in For You.";
  }
  end.append(text);
  feed.append(end);
}

// --- playing ----------------------------------------------------------------------------------

function play(next) {
  if (next === index || !cards[next]) return;
  if (index >= 0) leave();
  index = next;
  const card = cards[index];
  card.visits += 1;
  startedMs = api.nowMs();
  cards.forEach((other) => { other.isCurrent = other === card; });
  renderNear();
  player.start(card);
  panel.explain(card, ranker);
  app.style.setProperty("--glow", card.color);
  nowPlaying.textContent = card.element.getAttribute("aria-label");
  if (isStale || cards.length - index - 1 < AHEAD) load();
}

function leave() {
  const card = cards[index];
  const { seconds, loops } = player.stop();
  recordView(card, seconds);
  const isLong = seconds >= Math.min(LONG_VIEW_SECONDS, card.item.content.duration ?? LONG_VIEW_SECONDS);
  if (card.visits === 1 && !card.spoke && seconds < SKIP_SECONDS) {
    skip(card);
  } else if (isLong && loops === 0) {
    changeFeed(`Watched ${Math.round(seconds)} s of`, card);
  }
  api.flush().catch(complain);
}

function recordView(card, seconds) {
  if (card.visits > 1 && seconds < 1) return; // only passing by on the way back
  record(card, "view", { watch_duration: Math.round(seconds * 100) / 100 }, startedMs);
}

function skip(card) {
  record(card, "skip");
  changeFeed("Skipped", card);
}

function record(card, type, fields = {}, atMs = undefined) {
  api.record(type, { content_id: card.item.content_id, request_id: card.requestId, ...fields }, atMs);
}

/** Note in the panel what was done; what is to come must be ranked again. */
function changeFeed(text, card) {
  const tell = panel.did(text, card);
  reports.push({
    text: `${text.toLowerCase()} ${card.topic}`,
    tell: ({ changed, of }) => {
      if (of) tell(changed ? `${changed} of the next ${of} new` : "nothing new");
    },
  });
  isStale = true;
}

player.addEventListener("frame", ({ detail }) => player.card?.draw(detail));
player.addEventListener("loop", ({ detail: loops }) => {
  const card = player.card;
  if (loops === 1) {
    record(card, "complete_view");
    changeFeed("Finished", card);
  } else if (loops === 2) {
    record(card, "replay");
    changeFeed("Replayed", card);
  }
  card.spoke = true;
  if (loops <= 2) load();
});
player.addEventListener("state", () => {
  const button = player.card?.find('[data-act="pause"]');
  button?.setAttribute("aria-label", player.isPaused ? "Play" : "Pause");
});
window.addEventListener("pagehide", () => {
  if (player.card) recordView(cards[index], player.stop().seconds);
  api.flushOnUnload();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted && cards[index]) player.start(cards[index]);
});

// --- acting -----------------------------------------------------------------------------------

const ACTS = {
  like: (card) => toggle(card, "like", ["like", "Liked"], ["unlike", "Took back the like of"]),
  save: (card) => {
    if (card.said.save) return toast("Saved already");
    card.say("save", true);
    return act(card, "save", "Saved");
  },
  share: async (card) => {
    act(card, "share", "Shared");
    toast("Counted as shared");
  },
  follow: (card) => {
    const creator = { creator_id: card.item.creator_id };
    const value = !card.said.follow;
    cards.filter((c) => c.item.creator_id === creator.creator_id).forEach((c) => c.say("follow", value));
    act(card, value ? "follow" : "unfollow", value ? "Followed a creator of" : "Unfollowed a creator of", creator);
  },
  skip: (card) => {
    card.spoke = true;
    skip(card);
    move(1);
  },
  hide: (card) => {
    card.spoke = true;
    record(card, "hide");
    changeFeed("Hid a creator of", card);
    dropCreator(card.item.creator_id);
    lastHidden = card;
    toast(`You will not see ${card.find("[data-creator]").textContent} for a while`, {
      action: { label: "Undo", run: unhide },
    });
    if (cards[index + 1]) move(1);
    load();
  },
  pause: () => player.toggle(),
};

function toggle(card, name, on, off) {
  const value = !card.said[name];
  card.say(name, value);
  act(card, ...(value ? on : off));
}

function act(card, type, text, fields = {}) {
  card.spoke = true;
  record(card, type, fields);
  changeFeed(text, card);
  load();
}

let lastHidden = null;

/** Take the last hide back: its creator may come again from the next page on. */
function unhide() {
  if (!lastHidden) return;
  act(lastHidden, "unhide", "Brought back a creator of");
  lastHidden = null;
  toast("Taken back");
}

/** Take what is to come of a hidden creator away at once; the next page has none of it anyway. */
function dropCreator(creatorId) {
  for (const card of cards.slice(index + 1)) {
    if (card.item.creator_id !== creatorId) continue;
    cards.splice(cards.indexOf(card), 1);
    card.isNear = false;
    card.element.remove();
  }
}

function doAct(name) {
  const card = cards[index];
  if (!card || !ACTS[name]) return;
  ACTS[name](card);
  const button = card.find(`.actions [data-act="${name}"]`);
  button?.classList.remove("pop");
  requestAnimationFrame(() => button?.classList.add("pop"));
}

feed.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) doAct(button.dataset.act);
  else if (event.target.closest(".is-current .card")) player.toggle();
});

const KEYS = {
  ArrowDown: () => move(1), j: () => move(1), ArrowUp: () => move(-1), k: () => move(-1),
  l: () => doAct("like"), s: () => doAct("save"), h: () => doAct("share"), f: () => doAct("follow"),
  x: () => doAct("skip"), d: () => doAct("hide"), u: unhide, " ": () => player.card && player.toggle(),
  "?": () => help.showModal(),
  1: () => openMode(0), 2: () => openMode(1),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panelElement.classList.contains("is-open")) return closeSheet();
  const inField = event.target.closest("input, textarea, select, [contenteditable], dialog");
  const pressesButton = event.key === " " && event.target.closest("button, a, summary");
  const scrollsPanel = event.key.startsWith("Arrow") && event.target.closest(".panel");
  if (event.ctrlKey || event.metaKey || event.altKey || inField || pressesButton || scrollsPanel) return undefined;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!KEYS[key]) return undefined;
  event.preventDefault();
  if (!event.repeat || key.startsWith("Arrow")) KEYS[key]();
  return undefined;
});

function openMode(at) {
  const link = document.querySelectorAll(".modes a")[at];
  if (!link.hasAttribute("aria-current")) link.click();
}

// --- moving -----------------------------------------------------------------------------------

function move(step) {
  const next = Math.max(0, Math.min(index + step, cards.length - 1));
  if (next === index) {
    if (step > 0 && isAtEnd) showSlide(cards.length, motion());
    return;
  }
  const hadFocus = feed.contains(document.activeElement) && document.activeElement !== feed;
  play(next);
  if (hadFocus) cards[index].element.focus({ preventScroll: true });
  scrollToCurrent();
}

function scrollToCurrent() {
  showSlide(index, motion());
}

function showSlide(at, behavior) {
  feed.scrollTo({ top: at * feed.clientHeight, behavior }); // never scrolls the page itself
}

function motion() {
  return reducedMotion.matches ? "instant" : "smooth";
}

let scrolledAt = 0;
feed.addEventListener("scroll", () => {
  scrolledAt = performance.now();
  clearTimeout(feed.timer);
  feed.timer = setTimeout(() => {
    const at = Math.round(feed.scrollTop / Math.max(feed.clientHeight, 1));
    play(Math.min(at, cards.length - 1));
  }, SETTLE_MS);
}, { passive: true });

/** Wait until nobody is scrolling: cards are not exchanged under a moving finger. */
async function settled() {
  while (performance.now() - scrolledAt < SETTLE_MS * 1.5) {
    await new Promise((done) => { setTimeout(done, 50); });
  }
}

function renderNear() {
  cards.forEach((card, i) => { card.isNear = Math.abs(i - index) <= 1; });
}

new ResizeObserver(() => {
  cards.forEach((card) => card.resize());
  if (index >= 0) showSlide(index, "instant");
}).observe(feed);

// --- telling ----------------------------------------------------------------------------------

function toast(text, { action = null, isError = false } = {}) {
  const element = document.createElement("div");
  element.className = isError ? "toast error" : "toast";
  const message = document.createElement("p");
  message.textContent = text;
  element.append(message);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.label;
    button.addEventListener("click", () => { element.remove(); action.run(); });
    element.append(button);
  }
  if (!isError) setTimeout(() => element.remove(), action ? 2 * TOAST_MS : TOAST_MS);
  toasts.replaceChildren(element);
}

function complain(error) {
  const hasExpired = error.status === 401;
  toast(hasExpired ? "This page has been open for an hour; its pass has run out." : error.message, {
    isError: true,
    action: hasExpired
      ? { label: "Reload", run: () => location.reload() }
      : { label: "Try again", run: () => load() },
  });
}

function closeSheet() {
  panelElement.classList.remove("is-open");
  sheetOpener.setAttribute("aria-expanded", "false");
  syncPanel();
  sheetOpener.focus();
}

function openSheet() {
  panelElement.classList.add("is-open");
  sheetOpener.setAttribute("aria-expanded", "true");
  syncPanel();
  panelElement.querySelector("[data-close-sheet]").focus();
}

/** A closed sheet is out of sight on a phone, and must be out of reach of the keyboard too. */
function syncPanel() {
  panelElement.inert = isPhone.matches && !panelElement.classList.contains("is-open");
}

sheetOpener.addEventListener("click", () =>
  panelElement.classList.contains("is-open") ? closeSheet() : openSheet());
document.querySelector("[data-close-sheet]").addEventListener("click", closeSheet);
document.querySelector("[data-open-help]").addEventListener("click", () => help.showModal());
isPhone.addEventListener("change", syncPanel);
syncPanel();
load();
