// Finds features by name and description as the reader types; "/" goes to the field.
const field = document.querySelector("[data-find]");
const found = document.querySelector("[data-found]");
const none = document.querySelector("[data-none]");
const rows = [...document.querySelectorAll("[data-row]")];
const texts = rows.map((row) => row.querySelector("th").textContent.toLowerCase());

const show = () => {
  const wanted = field.value.trim().toLowerCase();
  let n = 0;
  rows.forEach((row, i) => {
    row.hidden = !texts[i].includes(wanted);
    n += row.hidden ? 0 : 1;
  });
  for (const group of document.querySelectorAll("[data-group]")) {
    group.hidden = !group.querySelector("[data-row]:not([hidden])");
  }
  none.hidden = n > 0;
  found.textContent = n === 1 ? "1 feature" : `${n} features`;
};

field.addEventListener("input", show);
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === field) return;
  event.preventDefault();
  field.focus();
});
show(); // a reload keeps what was typed
