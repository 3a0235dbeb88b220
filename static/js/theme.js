// Light and dark: the system's choice until the reader makes one. Loaded in the head, blocking,
// so that a stored choice is there before the first paint.
(() => {
  const root = document.documentElement;
  const stored = (() => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  })();
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;

  const isDark = () =>
    (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-pressed", String(isDark()));
      button.addEventListener("click", () => {
        const next = isDark() ? "light" : "dark";
        root.dataset.theme = next;
        button.setAttribute("aria-pressed", String(next === "dark"));
        try { localStorage.setItem("theme", next); } catch { /* private mode: for this page only */ }
      });
    }
  });
})();
