// Draws each <canvas data-chart="ID"> from the JSON block with that id, in the page's own colors.
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const drawn = new Map();

const dataset = (line, i, tones) => ({
  label: line.label,
  data: line.values,
  borderColor: tones[i % tones.length],
  backgroundColor: tones[i % tones.length],
  borderWidth: 2,
  pointRadius: line.values.length > 60 ? 0 : 2.5,
  spanGaps: false,
  tension: 0.15,
  // A day that is not over yet is dashed.
  segment: line.complete ? { borderDash: (c) => (line.complete[c.p1DataIndex] ? undefined : [4, 4]) } : undefined,
});

const draw = () => {
  for (const [canvas, chart] of drawn) {
    chart.destroy();
    drawn.delete(canvas);
  }
  const tones = [color("--accent"), color("--focus"), color("--good"), color("--ink-3")];
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
    const given = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const lines = given.lines ?? [given];
    const axis = { ticks: { color: color("--ink-3") }, grid: { color: color("--line") } };
    drawn.set(canvas, new Chart(canvas, {
      type: "line",
      data: { labels: given.labels, datasets: lines.map((line, i) => dataset(line, i, tones)) },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        plugins: { legend: { display: lines.length > 1, labels: { color: color("--ink-2") } } },
        scales: {
          x: { ...axis, ticks: { ...axis.ticks, maxTicksLimit: 8, maxRotation: 0 } },
          y: { ...axis, title: { display: Boolean(given.unit), text: given.unit, color: color("--ink-3") } },
        },
      },
    }));
  }
};

draw();
document.addEventListener("ops:draw", draw);
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
