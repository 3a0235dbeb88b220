// One card: its markup from the template, its picture, and what the viewer has said about it.

import { artworkOf, colorOf, topicOf } from "./art.js";

// What the page's policy lets it show.
const origins = [location.origin, ...document.getElementById("app").dataset.mediaOrigins.split(" ")];
const template = document.getElementById("slide");
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const FRAME_MS = 1000 / 30;
const MAX_PIXELS_WIDE = 540;

export class Card {
  constructor(item, requestId, because = "") {
    this.item = item;
    this.because = because; // what brought it up, for cards that a new answer put in
    this.requestId = requestId;
    this.topic = topicOf(item);
    this.color = colorOf(this.topic);
    this.element = template.content.firstElementChild.cloneNode(true);
    this.progress = this.find("[data-progress]");
    this.said = { like: false, save: false, follow: false };
    this.visits = 0;
    this.drawnAt = 0;
    this.video = null;
    this.canvas = null;
    this.#fill();
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  /** Show or clear the picture: only cards near the current one hold pixels. */
  set isNear(near) {
    if (near && !this.video && !this.canvas) this.#mount();
    if (!near && this.canvas) this.#unmount();
  }

  set isCurrent(current) {
    this.element.inert = !current;
    this.element.classList.toggle("is-current", current);
  }

  say(act, value) {
    this.said[act] = value;
    for (const button of this.element.querySelectorAll(`[data-act="${act}"]`)) {
      button.setAttribute("aria-pressed", String(value));
      if (act === "follow") button.textContent = value ? "Following" : "Follow";
    }
  }

  draw(nowMs, force = false) {
    if (!this.canvas || (!force && (reducedMotion.matches || nowMs - this.drawnAt < FRAME_MS))) return;
    this.drawnAt = nowMs;
    const seconds = reducedMotion.matches ? 0 : nowMs / 1000;
    this.artwork(this.canvas.getContext("2d"), this.canvas.width, this.canvas.height, seconds);
  }

  resize() {
    if (!this.canvas) return;
    const { clientWidth, clientHeight } = this.find("[data-art]");
    if (!clientWidth) return;
    const width = Math.min(Math.round(clientWidth * Math.min(devicePixelRatio, 2)), MAX_PIXELS_WIDE);
    this.canvas.width = width;
    this.canvas.height = Math.round((width * clientHeight) / clientWidth);
    this.draw(performance.now(), true);
  }

  #fill() {
    const { content, creator_id: creatorId, reason } = this.item;
    const name = content.creator_name || creatorId;
    this.element.setAttribute("aria-label", `${name}: ${content.description || this.item.content_id}`);
    this.find("[data-category]").textContent = this.topic;
    this.find("[data-category]").hidden = this.topic === "other";
    this.find("[data-because]").textContent = this.because;
    this.find("[data-because]").hidden = !this.because;
    this.find("[data-reason]").textContent = reason;
    this.find("[data-avatar]").textContent = initials(name);
    this.find("[data-avatar]").style.background = colorOf(creatorId, 0.48);
    this.find("[data-creator]").textContent = name;
    this.find("[data-text]").textContent = content.description;
    this.find("[data-tags]").textContent = content.tags.slice(0, 4).map((tag) => `#${tag}`).join(" ");
    this.find("[data-sound] span").textContent = content.sound;
    this.find("[data-sound]").hidden = !content.sound;
    this.element.style.setProperty("--tone", this.color);
    this.element.inert = true;
  }

  #mount() {
    const art = this.find("[data-art]");
    if (isPlayable(this.item.content.media_url)) {
      this.video = document.createElement("video");
      Object.assign(this.video, { muted: true, playsInline: true, loop: true, preload: "auto" });
      this.video.src = this.item.content.media_url;
      this.video.addEventListener("error", () => this.#dropVideo(), { once: true });
      art.append(this.video);
      return;
    }
    this.#mountCanvas();
  }

  #mountCanvas() {
    this.artwork ??= artworkOf(this.item);
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.find("[data-art]").append(this.canvas);
    this.resize();
  }

  #dropVideo() {
    this.video.remove();
    this.video = null;
    this.#mountCanvas();
  }

  #unmount() {
    this.canvas.width = 0;
    this.canvas.remove();
    this.canvas = null;
  }
}

/** The policy of the page lets media come from this site only. */
function isPlayable(url) {
  if (!url) return false;
  try {
    return origins.includes(new URL(url, location.href).origin);
  } catch {
    return false;
  }
}

function initials(name) {
  const words = name.replace(/[_-]+/g, " ").trim().split(/\s+/);
  return words.slice(0, 2).map((word) => word[0] ?? "").join("").toUpperCase();
}
