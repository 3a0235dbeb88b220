// The panel: why the current card is here, how the mix of answers moves, what the viewer did.

import { colorOf } from "./art.js";

const HEADS = [
  ["long_view", "Watch on"],
  ["complete", "Watch to the end"],
  ["like", "Like"],
  ["save", "Save"],
  ["skip", "Skip"],
];
const MORE_HEADS = [
  ["replay", "Watch again"],
  ["follow", "Follow"],
  ["share", "Share"],
  ["comment", "Comment"],
  ["hide", "Hide"],
  ["report", "Report"],
];
const SOURCES = {
  followed: "Creators you follow",
  just_after: "What comes right after",
  next_item: "What comes next",
  item_item: "Watched together",
  nearest: "Close to your taste",
  popular_6h: "Popular, 6 hours",
  popular_1d: "Popular, 1 day",
  popular_7d: "Popular, 7 days",
  popular_ever: "Popular, all time",
  fresh: "New",
};
const N_COLUMNS = 12;
const N_LOGGED = 6;
const N_TOPICS = 5;
const SVG = "http://www.w3.org/2000/svg";

const at = (name) => document.querySelector(`[data-${name}]`);

export class Panel {
  constructor() {
    this.answers = []; // the topics of each answer, oldest first
    this.log = [];
    this.ranges = {}; // lowest and highest score of each source, for the length of its bar
    at("why-more").open = matchMedia("(min-width: 1400px)").matches;
  }

  /** Show why the card is here. */
  explain(card, ranker) {
    const { item } = card;
    at("why-reason").textContent = item.reason;
    at("why-about").textContent = item.content.description || item.content_id;
    facts(at("why-facts"), [
      ["Source", sourceName(item.source)],
      ["Position", item.position + 1],
      ["Score", number(item.score)],
    ]);
    this.#heads(item);
    this.#sources(item);
    const note = at("why-note");
    note.hidden = Boolean(item.terms);
    note.textContent = noteOf(ranker);
  }

  #heads(item) {
    const terms = item.terms ?? {};
    const rows = headBars(HEADS, terms);
    const seconds = terms.watch_seconds;
    if (Number.isFinite(seconds)) {
      const share = seconds / (item.content.duration || 60);
      rows.unshift(bar("Watch time", `${seconds.toFixed(1)} s`, share, "time"));
    }
    fill(at("why-heads"), rows);
    fill(at("why-rare"), headBars(MORE_HEADS, terms));
  }

  #sources(item) {
    const scores = Object.entries(item.terms ?? {})
      .filter(([name, value]) => name.startsWith("score.") && Number.isFinite(value))
      .map(([name, value]) => [name.slice("score.".length), value]);
    const rows = scores.map(([name, value]) => {
      const share = this.#shareOfRange(name, value);
      return bar(sourceName(name), number(value), share, name === item.source ? "first" : "");
    });
    fill(at("why-sources"), rows);
    at("why-more").hidden = !item.terms;
  }

  /** Sources score on scales of their own: compare a score with those that the source gave so far. */
  #shareOfRange(name, value) {
    const [low, high] = this.ranges[name] ?? [0, 0];
    const range = [Math.min(low, value), Math.max(high, value)];
    this.ranges[name] = range;
    return (value - range[0]) / (range[1] - range[0] || 1);
  }

  /** Show one more answer of the API. */
  answered({ answer, roundTripMs }, topics) {
    if (topics.length) this.answers.push(topics);
    this.answers = this.answers.slice(-N_COLUMNS);
    this.#weave();
    this.#mix();
    facts(at("system"), [
      ["Ranker", answer.ranker === "taste_order" ? "your own views" : answer.ranker],
      ["Round trip", `${Math.round(roundTripMs)} ms`],
      ["Items", answer.items.length],
      ...Object.entries(answer.experiment ?? {}).map(([name, variant]) => [name, variant]),
    ]);
    const note = at("degraded");
    note.hidden = !answer.degraded.length;
    note.textContent = `Served without: ${answer.degraded.map(stageName).join(", ")}. The feed goes on with what remains.`;
  }

  /** List what the viewer did; returns a function that adds what came of it. */
  did(text, card) {
    const entry = { text, topic: card.topic, color: card.color, effect: "" };
    this.log = [entry, ...this.log].slice(0, N_LOGGED);
    this.#list();
    return (effect) => {
      entry.effect = effect;
      this.#list();
    };
  }

  #list() {
    const rows = this.log.map((entry) => {
      const row = node("li");
      const dot = node("i", "dot");
      dot.style.background = entry.color;
      const text = node("span", "", entry.text);
      text.append(" ", node("b", "", entry.topic));
      row.append(dot, text);
      if (entry.effect) row.append(node("em", "", entry.effect));
      return row;
    });
    at("log").replaceChildren(...rows);
  }

  #weave() {
    const size = 16;
    const step = 28;
    const empty = N_COLUMNS - this.answers.length;
    const columns = [...Array(empty).fill(null), ...this.answers].map((topics, x) => {
      const group = svg("g", { class: x === N_COLUMNS - 1 ? "newest" : "" });
      if (!topics) {
        group.append(svg("rect", { class: "blank", x: x * step + 4, y: 1, width: step - 4, height: 84, rx: 4 }));
        return group;
      }
      const sorted = [...topics].sort((a, b) => this.#rank(a) - this.#rank(b) || a.localeCompare(b));
      sorted.slice(0, 5).forEach((topic, y) => {
        const tile = svg("rect", {
          x: x * step + 4,
          y: 86 - (y + 1) * (size + 1),
          width: step - 4,
          height: size,
          rx: 4,
        });
        tile.style.fill = colorOf(topic);
        const title = svg("title", {});
        title.textContent = topic;
        tile.append(title);
        group.append(tile);
      });
      return group;
    });
    at("weave").replaceChildren(...columns);
    const [top] = this.#shares(this.answers.slice(-3));
    if (top) at("weave").setAttribute("aria-label", `Topics of the latest answers, now mostly ${top[0]}`);
  }

  #rank(topic) {
    this.order ??= new Map();
    if (!this.order.has(topic)) this.order.set(topic, this.order.size);
    return this.order.get(topic);
  }

  #shares(answers) {
    const counts = new Map();
    for (const topic of answers.flat()) counts.set(topic, (counts.get(topic) ?? 0) + 1);
    const total = answers.flat().length || 1;
    return [...counts].map(([topic, n]) => [topic, n / total]).sort((a, b) => b[1] - a[1]);
  }

  #mix() {
    const now = this.#shares(this.answers.slice(-3));
    const before = new Map(this.#shares(this.answers.slice(-6, -3)));
    const list = at("mix");
    const old = new Map([...list.children].map((row) => [row.dataset.topic, row]));
    const rows = now.slice(0, N_TOPICS).map(([topic, share]) => {
      const row = old.get(topic) ?? mixRow(topic);
      const change = before.size ? Math.round(100 * (share - (before.get(topic) ?? 0))) : 0;
      row.querySelector(".value").textContent = percent(share);
      const delta = row.querySelector(".delta");
      delta.textContent = change ? `${change > 0 ? "▲" : "▼"} ${Math.abs(change)}` : "";
      delta.classList.toggle("up", change > 0);
      // In the next frame, so that a new row grows from nothing.
      requestAnimationFrame(() => { row.querySelector(".fill").style.width = `${100 * share}%`; });
      return row;
    });
    list.replaceChildren(...rows);
  }
}

function mixRow(topic) {
  const row = node("li");
  row.dataset.topic = topic;
  const track = node("span", "track");
  const fillNode = node("i", "fill");
  fillNode.style.background = colorOf(topic);
  fillNode.style.width = "0";
  track.append(fillNode);
  row.append(node("span", "label", topic), track, node("span", "value"), node("span", "delta"));
  return row;
}

function headBars(heads, terms) {
  return heads
    .filter(([head]) => Number.isFinite(terms[head]))
    .map(([head, label]) => {
      const tone = ["skip", "hide", "report"].includes(head) ? "against" : "";
      return bar(label, percent(terms[head]), terms[head], tone);
    });
}

function bar(label, value, share, tone) {
  const row = node("li", tone);
  const track = node("span", "track");
  const inner = node("i", "fill");
  inner.style.width = `${100 * Math.max(0.02, Math.min(share, 1))}%`;
  track.append(inner);
  row.append(node("span", "label", label), track, node("span", "value", value));
  return row;
}

function fill(block, rows) {
  block.hidden = !rows.length;
  block.querySelector("ul").replaceChildren(...rows);
}

function facts(list, pairs) {
  list.replaceChildren(
    ...pairs.map(([term, value]) => {
      const pair = node("div");
      pair.append(node("dt", "", term), node("dd", "", String(value)));
      return pair;
    }),
  );
}

function node(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function sourceName(source) {
  return SOURCES[source] ?? source.replaceAll("_", " ");
}

function stageName(stage) {
  return stage.split(":").pop().replaceAll("_", " ");
}

function percent(share) {
  const value = 100 * share;
  return value > 0 && value < 1 ? "<1 %" : `${Math.round(value)} %`;
}

function number(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: Math.abs(value) < 0.1 ? 2 : 3 });
}

/** Say why there are no terms of a model. */
function noteOf(ranker) {
  if (ranker.startsWith("mode:")) return "No model orders this feed, and nothing that you did.";
  if (ranker === "taste_order") {
    return "No model is trained yet: what you watched yourself orders the page, and a little curiosity.";
  }
  return "This answer came without the model's terms.";
}
