// Artwork for contents without a film: the category picks palette and form, the content the rest.

const FULL_TURN = 360; // degrees of hue

/** FNV-1a of a text, 32 bits. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** Mulberry32: a small generator, the same numbers for the same seed. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function topicOf(item) {
  return item.content.category || item.content.tags[0] || "other";
}

/** Hue of a topic in degrees: the same in its artwork and in the charts. */
function hueOf(topic) {
  return (hash(`hue ${topic}`) * 0.618034) % FULL_TURN;
}

/** One color that stands for a topic in charts; neighbors in hue often differ in lightness. */
export function colorOf(topic, lightness = 0.56 + ((hash(topic) >>> 7) % 4) * 0.07) {
  return oklch(lightness, 0.16, hueOf(topic));
}

/** Five colors from dark to light around the topic's hue. */
function paletteOf(topic, random) {
  const hue = hueOf(topic) + (random() - 0.5) * 24;
  const turn = (random() < 0.5 ? -1 : 1) * (34 + random() * 34);
  return [
    [0.2, 0.055, hue - turn * 0.5],
    [0.38, 0.115, hue - turn * 0.3],
    [0.63, 0.17, hue],
    [0.79, 0.135, hue + turn],
    [0.95, 0.045, hue + turn * 1.3],
  ].map(([lightness, chroma, angle]) => oklch(lightness, chroma, angle));
}

function oklch(lightness, chroma, hue, opacity = 1) {
  const angle = ((hue % FULL_TURN) + FULL_TURN) % FULL_TURN;
  return `oklch(${lightness.toFixed(3)} ${chroma.toFixed(3)} ${angle.toFixed(1)} / ${opacity})`;
}

/** Return `draw(context, width, height, seconds)` for one content. */
export function artworkOf(item) {
  const topic = topicOf(item);
  const random = generator(hash(item.content_id));
  const palette = paletteOf(topic, random);
  const forms = [dunes, orbs, tiles, ribbons, orbits, petals];
  const form = forms[(hash(`form ${topic}`) + (random() < 0.25 ? 1 : 0)) % forms.length];
  return form(palette, random);
}

function sky(context, width, height, top, bottom, tilt = 0) {
  const gradient = context.createLinearGradient(width * tilt, 0, width * (1 - tilt), height);
  gradient.addColorStop(0, top);
  gradient.addColorStop(1, bottom);
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
}

function alpha(color, opacity) {
  return color.replace(/\/ [\d.]+\)/, `/ ${opacity.toFixed(3)})`);
}

function pick(random, list) {
  return list[Math.floor(random() * list.length)];
}

/** Layered hills under a slow sun. */
function dunes([ink, deep, main, warm, light], random) {
  const dark = random() < 0.5;
  const sun = { x: 0.25 + random() * 0.5, y: 0.24 + random() * 0.14, r: 0.13 + random() * 0.12 };
  const layers = Array.from({ length: 6 }, (_, i) => ({
    base: 0.42 + i * 0.105 + random() * 0.03,
    swell: 0.03 + random() * 0.05,
    waves: 0.7 + random() * 1.3,
    phase: random() * 6.3,
    drift: (random() - 0.5) * 0.16,
  }));
  const colors = dark ? [main, warm, main, deep, deep, ink] : [warm, warm, main, main, deep, ink];
  return (context, w, h, t) => {
    sky(context, w, h, dark ? deep : light, dark ? warm : warm);
    const glow = context.createRadialGradient(sun.x * w, sun.y * h, 0, sun.x * w, sun.y * h, sun.r * w * 3);
    glow.addColorStop(0, alpha(light, 0.8));
    glow.addColorStop(1, alpha(light, 0));
    context.fillStyle = glow;
    context.fillRect(0, 0, w, h);
    context.fillStyle = dark ? light : main;
    context.beginPath();
    context.arc(sun.x * w, (sun.y + Math.sin(t * 0.2) * 0.012) * h, sun.r * w, 0, 7);
    context.fill();
    layers.forEach((layer, i) => {
      context.fillStyle = alpha(colors[i], 0.55 + i * 0.09);
      context.beginPath();
      context.moveTo(0, h);
      for (let x = 0; x <= 24; x += 1) {
        const u = x / 24;
        const a = u * layer.waves * 6.3 + layer.phase + t * layer.drift;
        const y = layer.base + Math.sin(a) * layer.swell + Math.sin(a * 2.3 + i) * layer.swell * 0.35;
        context.lineTo(u * w, y * h);
      }
      context.lineTo(w, h);
      context.fill();
    });
  };
}

/** Soft lights that float through each other. */
function orbs([ink, deep, main, warm, light], random) {
  const lights = Array.from({ length: 7 }, (_, i) => ({
    color: [main, warm, deep, light, main, warm, deep][i],
    x: random(), y: random(), r: 0.45 + random() * 0.5,
    sx: 0.1 + random() * 0.2, sy: 0.08 + random() * 0.18, phase: random() * 6.3,
  }));
  const ring = { x: 0.3 + random() * 0.4, y: 0.3 + random() * 0.25, r: 0.2 + random() * 0.14 };
  return (context, w, h, t) => {
    sky(context, w, h, deep, ink);
    for (const l of lights) {
      const x = (l.x + Math.sin(t * l.sx + l.phase) * 0.14) * w;
      const y = (l.y + Math.cos(t * l.sy + l.phase) * 0.1) * h;
      const gradient = context.createRadialGradient(x, y, 0, x, y, l.r * w);
      gradient.addColorStop(0, alpha(l.color, 0.85));
      gradient.addColorStop(0.45, alpha(l.color, 0.32));
      gradient.addColorStop(1, alpha(l.color, 0));
      context.fillStyle = gradient;
      context.fillRect(0, 0, w, h);
    }
    const x = ring.x * w;
    const y = (ring.y + Math.sin(t * 0.3) * 0.012) * h;
    const disc = context.createLinearGradient(x - ring.r * w, y - ring.r * w, x + ring.r * w, y + ring.r * w);
    disc.addColorStop(0, alpha(light, 0.95));
    disc.addColorStop(1, alpha(warm, 0.15));
    context.fillStyle = disc;
    context.beginPath();
    context.arc(x, y, ring.r * w, 0, 7);
    context.fill();
  };
}

/** A wall of quarter circles and half moons that turn now and then. */
function tiles(palette, random) {
  const [ink, deep, main, warm, light] = palette;
  const columns = 4;
  const rows = 8;
  const cells = Array.from({ length: columns * rows }, () => {
    const ground = pick(random, [ink, deep, main, light]);
    return {
      ground,
      figure: pick(random, [main, warm, light, deep, ink].filter((c) => c !== ground)),
      kind: Math.floor(random() * 5),
      turn: Math.floor(random() * 4),
      beat: random() * 14,
      turns: random() < 0.4,
    };
  });
  return (context, w, h, t) => {
    context.fillStyle = deep;
    context.fillRect(0, 0, w, h);
    const size = Math.max(w / columns, h / rows);
    const left = (w - size * columns) / 2;
    cells.forEach((cell, i) => {
      const x = left + (i % columns) * size;
      const y = Math.floor(i / columns) * size;
      context.fillStyle = cell.ground;
      context.fillRect(x, y, size + 1, size + 1);
      context.save();
      context.beginPath();
      context.rect(x, y, size + 1, size + 1);
      context.clip();
      context.translate(x + size / 2, y + size / 2);
      const step = cell.turns ? Math.floor((t + cell.beat) / 7) : 0;
      const ease = cell.turns ? Math.min((((t + cell.beat) % 7) / 1.4), 1) : 1;
      const smooth = ease * ease * (3 - 2 * ease);
      context.rotate((cell.turn + step - 1 + smooth) * (Math.PI / 2));
      context.fillStyle = cell.figure;
      context.beginPath();
      const s = size / 2;
      if (cell.kind === 0) { context.moveTo(-s, -s); context.arc(-s, -s, size, 0, Math.PI / 2); }
      if (cell.kind === 1) context.arc(0, 0, s * 0.62, 0, 7);
      if (cell.kind === 2) context.arc(-s, 0, s, -Math.PI / 2, Math.PI / 2);
      if (cell.kind === 3) { context.moveTo(-s, -s); context.lineTo(s, s); context.lineTo(-s, s); }
      if (cell.kind === 4) { context.arc(0, -s, s, 0, Math.PI); context.arc(0, s, s, Math.PI, 0); }
      context.fill();
      context.restore();
    });
  };
}

/** Broad bands that run across like silk. */
function ribbons([ink, deep, main, warm, light], random) {
  const bands = Array.from({ length: 9 }, (_, i) => ({
    color: [deep, main, warm, light, main, deep, warm, main, light][i],
    y: -0.05 + i * 0.13 + random() * 0.05,
    bend: 0.08 + random() * 0.14,
    phase: random() * 6.3,
    speed: 0.12 + random() * 0.14,
    width: 0.09 + random() * 0.1,
  }));
  const lean = (random() - 0.5) * 0.9;
  return (context, w, h, t) => {
    sky(context, w, h, ink, deep, 0.3);
    for (const band of bands) {
      const offset = Math.sin(t * band.speed + band.phase) * band.bend;
      const gradient = context.createLinearGradient(0, 0, w, 0);
      gradient.addColorStop(0, alpha(band.color, 0.95));
      gradient.addColorStop(0.55, alpha(band.color, 0.55));
      gradient.addColorStop(1, alpha(band.color, 0.9));
      context.fillStyle = gradient;
      const y0 = (band.y + lean * 0.2) * h;
      const y1 = (band.y - lean * 0.2) * h;
      const thick = band.width * h;
      context.beginPath();
      context.moveTo(-2, y0);
      context.bezierCurveTo(w * 0.3, y0 + (offset - band.bend) * h, w * 0.65, y1 + (band.bend + offset) * h, w + 2, y1);
      context.lineTo(w + 2, y1 + thick);
      context.bezierCurveTo(w * 0.7, y1 + thick * 1.5 + (band.bend + offset) * h, w * 0.35, y0 + thick * 0.4 + (offset - band.bend) * h, -2, y0 + thick);
      context.fill();
    }
  };
}

/** Rings around a core, with small bodies on them. */
function orbits([ink, deep, main, warm, light], random) {
  const center = { x: 0.5 + (random() - 0.5) * 0.3, y: 0.4 + (random() - 0.5) * 0.14 };
  const rings = Array.from({ length: 7 }, (_, i) => ({
    r: 0.2 + i * (0.115 + random() * 0.02),
    start: random() * 6.3,
    span: 1.6 + random() * 4,
    speed: (random() < 0.5 ? -1 : 1) * (0.05 + random() * 0.12),
    width: 0.012 + random() * 0.05,
    color: pick(random, [main, warm, light, main]),
    body: 0.018 + random() * 0.035,
  }));
  return (context, w, h, t) => {
    sky(context, w, h, ink, deep, 0.2);
    const x = center.x * w;
    const y = center.y * h;
    const core = context.createRadialGradient(x - w * 0.04, y - w * 0.04, 0, x, y, w * 0.15);
    core.addColorStop(0, light);
    core.addColorStop(1, warm);
    context.fillStyle = core;
    context.beginPath();
    context.arc(x, y, w * (0.115 + Math.sin(t * 0.5) * 0.006), 0, 7);
    context.fill();
    context.lineCap = "round";
    for (const ring of rings) {
      const a = ring.start + t * ring.speed;
      context.strokeStyle = alpha(ring.color, 0.16);
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(x, y, ring.r * w, 0, 7);
      context.stroke();
      context.strokeStyle = alpha(ring.color, 0.85);
      context.lineWidth = ring.width * w;
      context.beginPath();
      context.arc(x, y, ring.r * w, a, a + ring.span);
      context.stroke();
      context.fillStyle = light;
      context.beginPath();
      context.arc(x + Math.cos(a * 1.7) * ring.r * w, y + Math.sin(a * 1.7) * ring.r * w, ring.body * w, 0, 7);
      context.fill();
    }
  };
}

/** Flowers of overlapping petals. */
function petals([ink, deep, main, warm, light], random) {
  const dark = random() < 0.6;
  const flowers = Array.from({ length: 5 }, (_, i) => ({
    x: [0.5, 0.08, 0.95, 0.12, 0.9][i] + (random() - 0.5) * 0.2,
    y: [0.38, 0.1, 0.16, 0.78, 0.72][i] + (random() - 0.5) * 0.1,
    r: i ? 0.2 + random() * 0.16 : 0.44 + random() * 0.1,
    n: 6 + Math.floor(random() * 7),
    color: [main, warm, main, warm, main][i],
    inner: [warm, light, warm, main, light][i],
    speed: (random() < 0.5 ? -1 : 1) * (0.04 + random() * 0.07),
  }));
  return (context, w, h, t) => {
    sky(context, w, h, dark ? ink : light, dark ? deep : warm);
    for (const flower of flowers.slice(1).concat(flowers[0])) {
      context.save();
      context.translate(flower.x * w, flower.y * h);
      context.rotate(t * flower.speed);
      for (let layer = 0; layer < 2; layer += 1) {
        const r = flower.r * w * (layer ? 0.62 : 1);
        context.fillStyle = alpha(layer ? flower.inner : flower.color, 0.62);
        for (let i = 0; i < flower.n; i += 1) {
          context.rotate((2 * Math.PI) / flower.n);
          context.beginPath();
          context.ellipse(0, -r * 0.56, r * 0.24, r * 0.46, 0, 0, 7);
          context.fill();
        }
      }
      context.fillStyle = light;
      context.beginPath();
      context.arc(0, 0, flower.r * w * 0.16, 0, 7);
      context.fill();
      context.restore();
    }
  };
}
