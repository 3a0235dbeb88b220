// Plays one card at a time and measures how long it was really watched.

const DEFAULT_SECONDS = 15; // of a content that does not say its length
const MAX_LOOPS = 4; // then it waits: nobody may be there

export class Player extends EventTarget {
  constructor() {
    super();
    this.card = null;
    this.isPaused = false;
    this.frame = 0;
    document.addEventListener("visibilitychange", () => this.#sync());
  }

  start(card) {
    this.card = card;
    this.seconds = 0; // watched
    this.position = 0; // within the content
    this.loops = 0;
    this.isPaused = false;
    this.duration = card.item.content.duration || DEFAULT_SECONDS;
    if (card.video) card.video.currentTime = 0;
    this.#sync();
  }

  /** End the card and return what was watched of it. */
  stop() {
    const watched = { seconds: this.seconds, loops: this.loops };
    this.card?.video?.pause();
    this.card = null;
    cancelAnimationFrame(this.frame);
    return watched;
  }

  toggle() {
    this.isPaused = !this.isPaused;
    this.#sync();
  }

  get isPlaying() {
    return Boolean(this.card) && !this.isPaused && document.visibilityState === "visible";
  }

  #sync() {
    cancelAnimationFrame(this.frame);
    if (!this.card) return;
    this.card.element.classList.toggle("is-paused", this.isPaused);
    this.dispatchEvent(new Event("state"));
    if (!this.isPlaying) {
      this.card.video?.pause();
      return;
    }
    this.card.video?.play().catch(() => {}); // autoplay refused: the clock runs all the same
    this.last = performance.now();
    this.frame = requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now) {
    // A stalled page (throttled, asleep) did not show the card: count at most a quarter second.
    const passed = Math.min(Math.max(now - this.last, 0) / 1000, 0.25);
    const step = isLoading(this.card.video) ? 0 : passed;
    this.last = now;
    this.seconds += step;
    this.position += step;
    if (this.card.video?.duration) this.duration = this.card.video.duration;
    if (this.position >= this.duration) this.#loop();
    if (!this.card) return;
    this.card.progress.style.transform = `scaleX(${Math.min(this.position / this.duration, 1)})`;
    this.dispatchEvent(new CustomEvent("frame", { detail: now }));
    if (this.isPlaying) this.frame = requestAnimationFrame((next) => this.#tick(next));
  }

  #loop() {
    this.position = 0;
    this.loops += 1;
    this.dispatchEvent(new CustomEvent("loop", { detail: this.loops }));
    if (this.loops < MAX_LOOPS || !this.card) return;
    this.isPaused = true;
    this.#sync();
  }
}

function isLoading(video) {
  return Boolean(video) && video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA;
}
