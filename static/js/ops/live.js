// Pages refresh themselves: what is marked data-live="SECONDS" is replaced by what the server says
// now. Nothing moves while the reader is in a field of it, or the page is out of sight.
const parser = new DOMParser();

const refresh = async () => {
  const here = [...document.querySelectorAll("[data-live]")];
  if (document.hidden || here.some((part) => part.querySelector("input:focus, select:focus"))) return;
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const there = parser.parseFromString(await answer.text(), "text/html").querySelectorAll("[data-live]");
  here.forEach((part, i) => {
    const next = there[i];
    if (!next || next.innerHTML === part.dataset.shown) return;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const charts = [...part.querySelectorAll("canvas")];
    part.dataset.shown = next.innerHTML;
    part.replaceChildren(...document.adoptNode(next).childNodes);
    if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
    if (charts.length) document.dispatchEvent(new CustomEvent("ops:draw"));
  });
};

const seconds = Math.min(...[...document.querySelectorAll("[data-live]")].map((e) => Number(e.dataset.live)));
if (Number.isFinite(seconds)) {
  setInterval(() => refresh().catch(() => {}), seconds * 1000);
}
document.addEventListener("ops:refresh", () => refresh().catch(() => {}));
