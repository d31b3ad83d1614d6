// What a person does, and what follows from it.
'use strict';

const byId = (id) => document.getElementById(id);
const calm = window.matchMedia('(prefers-reduced-motion: reduce)');
let baseStale = true;
let liveStale = true;
let waiting = false;

function repaint(ground) {
  liveStale = true;
  if (ground) baseStale = true;
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    if (baseStale) drawBase();
    if (liveStale) drawLive();
    baseStale = liveStale = false;
  });
}

// -- the view -------------------------------------------------------------------------------------------------

let flight = 0;

function setView(next) {
  view.x = next.x;
  view.y = next.y;
  view.k = Math.min(VIEW_MAX_K, Math.max(VIEW_MIN_K, next.k));
  repaint(true);
}

function flyTo(next) {
  flight++;
  if (calm.matches) {
    setView(next);
    return;
  }
  const own = flight;
  const from = { x: view.x, y: view.y, k: view.k };
  const began = performance.now();
  const step = (now) => {
    if (own !== flight) return;
    const s = Math.min(1, Math.max(0, (now - began) / 320));
    const ease = s * s * (3 - 2 * s);
    const k = from.k * (next.k / from.k) ** ease;
    // move in step with the scale, so that the target does not swing away
    const part = Math.abs(next.k / from.k - 1) < 1e-6 ? ease : (1 / from.k - 1 / k) / (1 / from.k - 1 / next.k);
    setView({ x: from.x + (next.x - from.x) * part, y: from.y + (next.y - from.y) * part, k });
    if (s < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function zoomBy(factor, sx = view.width / 2, sy = view.height / 2) {
  flight++;
  const [px, py] = toPlane(sx, sy);
  const k = Math.min(VIEW_MAX_K, Math.max(VIEW_MIN_K, view.k * factor));
  setView({ x: px - (sx - view.width / 2) / k, y: py + (sy - view.height / 2) / k, k });
}

function panBy(dx, dy) {
  flight++;
  setView({ x: view.x - dx / view.k, y: view.y + dy / view.k, k: view.k });
}

function showAll() {
  flyTo(viewOf(...DATA.fit));
}

// -- time -----------------------------------------------------------------------------------------------------

const slider = byId('slider');
let playing = false;
let speed = 60;

function setTime(t, byHand) {
  if (DATA.range) t = Math.max(DATA.range[0], Math.min(DATA.range[1], t));
  if (byHand && playing && t === DATA.range?.[1]) play(false);
  chosen.t = t;
  slider.value = String(t);
  slider.setAttribute('aria-valuetext', `${say.date(t)} ${say.time(t)}`);
  byId('now').replaceChildren(say.time(t), element('small', {}, say.date(t)));
  repaint(false);
  requestAnimationFrame(() => {
    panel.updateDetail();
    panel.updateThings();
  });
}

function play(on) {
  playing = on && Boolean(DATA.range);
  byId('play').setAttribute('aria-pressed', playing ? 'true' : 'false');
  byId('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
  if (!playing) return;
  if (chosen.t >= DATA.range[1]) setTime(DATA.range[0]);
  let last = performance.now();
  const step = (now) => {
    if (!playing) return;
    setTime(chosen.t + Math.max(0, now - last) * speed);
    last = now;
    if (chosen.t >= DATA.range[1]) play(false);
    else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function drawMarks() {
  const canvas = byId('marks');
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !DATA.range) return;
  canvas.width = width * view.ratio;
  canvas.height = height * view.ratio;
  const ctx = canvas.getContext('2d');
  ctx.scale(view.ratio, view.ratio);
  const x = (t) => 8 + (t - DATA.range[0]) / (DATA.range[1] - DATA.range[0]) * (width - 16);
  DATA.findings.forEach((f, n) => {
    const own = n === chosen.selected;
    ctx.fillStyle = f.agreed ? colours.quiet : colours.alert;
    ctx.globalAlpha = own ? 1 : 0.45;
    const left = x(Math.max(DATA.range[0], f.start ?? f.closest));
    const right = x(Math.min(DATA.range[1], f.end ?? f.closest));
    ctx.fillRect(left - 1, own ? 0 : 4, Math.max(2.5, right - left), own ? 12 : 6);
  });
}

// -- choosing -------------------------------------------------------------------------------------------------

function speak(text) {
  byId('said').textContent = text;
}

/** A box of the plane around some points, not smaller than `least` metres. */
function boxOf(points, least) {
  let [w, s, e, n] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    w = Math.min(w, x); e = Math.max(e, x);
    s = Math.min(s, y); n = Math.max(n, y);
  }
  const span = Math.max(e - w, n - s);
  const spare = Math.max(least - span, 500) / 2 + span * 0.25;
  return [w - spare, s - spare, e + spare, n + spare];
}

/** The two at their closest point, far enough in to tell them apart; where there is room, the way they came and went. */
function viewOfFinding(f) {
  const points = [];
  const way = [];
  for (const side of [f.a, f.b]) {
    if (side.at) points.push(plane.forward(...side.at));
    const i = sideThing(side);
    for (const t of i < 0 ? [] : [f.start, f.end]) {
      const place = t === null ? null : placeAt(i, t);
      if (place) way.push([place.x, place.y]);
    }
    const shape = sideShape(side);
    if (shape && (shape.east - shape.west < 400000 || !f.a.at)) points.push([shape.west, shape.south], [shape.east, shape.north]);
  }
  if (!points.length) return null;
  const least = Math.max(4000, 8 * (f.horizontal ?? 0));
  const [w, s, e, n] = boxOf([...points, ...way], 0);
  return viewOf(...(Math.max(e - w, n - s) < 2 * least ? [w, s, e, n] : boxOf(points, least)));
}

function select(n) {
  const f = DATA.findings[n];
  chosen.selected = f ? n : -1;
  chosen.focus = null;
  play(false);
  panel.selected();
  if (f) {
    if (f.closest !== null) setTime(f.closest);
    const next = viewOfFinding(f);
    if (next) flyTo(next);
    speak(`${KIND_TEXT[f.kind]}: ${f.a.id} and ${f.b.id}, ${nearText(f)}, at ${say.time(f.closest)}`);
  }
  drawMarks();
  repaint(true);
}

function focus(what) {
  chosen.focus = what;
  if (!what) { repaint(false); return; }
  const [sort, n] = what;
  if (sort === 'moving') {
    if (!placeAt(n, chosen.t)) setTime(moving.t[moving.first[n]]);
    const place = placeAt(n, chosen.t);
    if (place) flyTo({ x: place.x, y: place.y, k: Math.max(view.k, viewOf(...DATA.fit).k * 2) });
    speak(`${moving.id[n]}, ${KINDS[moving.kind[n]]}, ${say.party(moving.party[n])}`);
  } else {
    const shape = (sort === 'zone' ? zones : volumes)[n];
    if (sort === 'volume' && shape.start !== null && !activeAt(shape, chosen.t)) setTime(shape.start);
    flyTo(viewOf(...boxOf([[shape.west, shape.south], [shape.east, shape.north]], 500)));
    speak(shape.id);
  }
  repaint(false);
}

function showGap(u) {
  if (u.start !== null) setTime(u.start);
  if (!u.who.is) return;
  const i = u.who.is[1];
  chosen.focus = ['moving', i];
  const points = [u.start, u.end].map((t) => placeAt(i, t)).filter(Boolean).map((p) => [p.x, p.y]);
  if (points.length) flyTo(viewOf(...boxOf(points, 4000)));
}

// -- the pointer ----------------------------------------------------------------------------------------------

const pointers = new Map();
let dragged = 0;
const hint = byId('hint');

function pointerAt(event) {
  const box = liveCanvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function showHint(what, x, y) {
  if (!what) { hint.hidden = true; return; }
  const [sort, n] = what;
  const lines = [];
  let name = '';
  if (sort === 'moving') {
    name = moving.id[n];
    lines.push(`${KINDS[moving.kind[n]]}, ${FORMS[moving.form[n]]}, ${say.party(moving.party[n])}`);
    const place = placeAt(n, chosen.t);
    if (place && place.unseen) lines.push(`Not observed; last seen ${say.time(place.seen)}`);
    else if (place) lines.push([moving.kind[n] === GROUND ? null : say.altitude(place.altitude, moving.reference[n]), say.speed(place.speed)].filter(Boolean).join(' · '));
    else lines.push(`There ${say.moment(moving.t[moving.first[n]])} – ${say.moment(moving.t[moving.first[n + 1] - 1])}`);
  } else if (sort === 'finding') {
    const f = DATA.findings[n];
    name = f.kind === 'outside' ? f.a.id : `${f.a.id} × ${f.b.id}`;
    lines.push(`${KIND_TEXT[f.kind]}, ${say.moment(f.closest)}`, nearText(f));
  } else {
    const shape = (sort === 'zone' ? zones : volumes)[n];
    name = shape.id;
    if (sort === 'zone') {
      if (shape.effect) lines.push(shape.effect);
      for (const [label, text] of recognition(shape)) lines.push(`${label}: ${text}`);
    } else lines.push(`${KINDS[shape.kind]}, ${say.party(shape.party)}`);
    lines.push(`Height: ${heights(shape)}`, `In force: ${say.window(shape.start, shape.end)}`);
  }
  hint.replaceChildren(element('b', {}, name), ...lines.map((line) => element('div', {}, line)));
  hint.hidden = false;
  const [w, h] = [hint.offsetWidth, hint.offsetHeight];
  hint.style.left = `${Math.max(4, x + 16 + w > view.width ? x - w - 12 : x + 16)}px`;
  hint.style.top = `${Math.max(4, Math.min(view.height - h - 4, y + 12))}px`;
}

function listenToPointer() {
  liveCanvas.addEventListener('pointerdown', (event) => {
    liveCanvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, pointerAt(event));
    dragged = pointers.size > 1 ? 99 : 0;
    flight++;
  });
  liveCanvas.addEventListener('pointermove', (event) => {
    const at = pointerAt(event);
    byId('where').textContent = say.place(...plane.inverse(...toPlane(...at)));
    const was = pointers.get(event.pointerId);
    if (!was) {
      if (chosen.measuring && chosen.ruler?.from && !chosen.ruler.done) {
        chosen.ruler.to = plane.inverse(...toPlane(...at));
        repaint(false);
      }
      if (event.pointerType !== 'touch') {
        const what = chosen.measuring ? null : thingAt(...at);
        showHint(what, ...at);
        liveCanvas.style.cursor = chosen.measuring ? 'crosshair' : what ? 'pointer' : '';
      }
      return;
    }
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const before = Math.hypot(was[0] - other[0], was[1] - other[1]);
      const after = Math.hypot(at[0] - other[0], at[1] - other[1]);
      panBy((at[0] - was[0]) / 2, (at[1] - was[1]) / 2);
      if (before > 0) zoomBy(after / before, (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    } else if (pointers.size === 1) {
      dragged += Math.hypot(at[0] - was[0], at[1] - was[1]);
      if (dragged > 4) {
        hint.hidden = true;
        panBy(at[0] - was[0], at[1] - was[1]);
      }
    }
    pointers.set(event.pointerId, at);
  });
  const up = (event) => {
    if (!pointers.delete(event.pointerId) || event.type === 'pointercancel' || dragged > 4 || pointers.size) return;
    const at = pointerAt(event);
    if (chosen.measuring) {
      measureAt(plane.inverse(...toPlane(...at)));
      return;
    }
    const what = thingAt(...at);
    if (what && what[0] === 'finding') select(what[1]);
    else {
      chosen.focus = what;
      if (event.pointerType === 'touch') showHint(what, ...at);
      repaint(false);
    }
  };
  liveCanvas.addEventListener('pointerup', up);
  liveCanvas.addEventListener('pointercancel', up);
  liveCanvas.addEventListener('pointerleave', () => {
    hint.hidden = true;
    byId('where').textContent = '';
  });
  liveCanvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 32 : 1);
    zoomBy(Math.exp(-Math.max(-300, Math.min(300, pixels)) * (event.ctrlKey ? 0.01 : 0.0018)), ...pointerAt(event));
  }, { passive: false });
  liveCanvas.addEventListener('dblclick', (event) => { if (!chosen.measuring) zoomBy(2, ...pointerAt(event)); });
}

function measure(on) {
  chosen.measuring = on;
  chosen.ruler = null;
  byId('ruler').setAttribute('aria-pressed', on ? 'true' : 'false');
  liveCanvas.classList.toggle('measuring', on);
  liveCanvas.style.cursor = '';
  if (on) speak('Measure: click two points.');
  repaint(false);
}

function measureAt(position) {
  if (!chosen.ruler || chosen.ruler.done) chosen.ruler = { from: position, to: null, done: false };
  else chosen.ruler = { from: chosen.ruler.from, to: position, done: true };
  repaint(false);
}

// -- keys -----------------------------------------------------------------------------------------------------

function listenToKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target instanceof HTMLInputElement && target.type === 'search';
    if (typing || target instanceof HTMLSelectElement) return;
    const onButton = target instanceof HTMLButtonElement || target.tagName === 'SUMMARY' || (target instanceof HTMLInputElement && target.type === 'checkbox');
    const onMap = target === liveCanvas || target === document.body;
    const span = chosen.selected >= 0 ? chartSpan(DATA.findings[chosen.selected]) : null;
    const step = span ? (span[1] - span[0]) / 40 : DATA.range ? (DATA.range[1] - DATA.range[0]) / 240 : 0;
    const arrows = { ArrowLeft: [90, 0], ArrowRight: [-90, 0], ArrowUp: [0, 90], ArrowDown: [0, -90] };
    const keys = {
      '+': () => zoomBy(1.5), '=': () => zoomBy(1.5), '-': () => zoomBy(1 / 1.5), '_': () => zoomBy(1 / 1.5), 0: showAll,
      n: () => select((chosen.selected + 1) % Math.max(1, DATA.findings.length)),
      p: () => select((chosen.selected <= 0 ? DATA.findings.length : chosen.selected) - 1),
      ',': () => setTime(chosen.t - step, true), '.': () => setTime(chosen.t + step, true),
      m: () => measure(!chosen.measuring),
      Escape: () => { if (chosen.measuring) measure(false); else select(-1); },
    };
    if (arrows[event.key] && onMap) panBy(...arrows[event.key]);
    else if (event.key === ' ' && !onButton) play(!playing);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
}

// -- the key of the map, units, colours -----------------------------------------------------------------------

function sample(draw) {
  const canvas = element('canvas', { 'aria-hidden': 'true', width: 34 * 2, height: 14 * 2 });
  const ctx = canvas.getContext('2d');
  ctx.scale(2, 2);
  draw(ctx);
  return canvas;
}

function buildKey() {
  const key = byId('key');
  key.replaceChildren();
  const parties = [...new Set([...moving.party, ...volumes.map((v) => v.party), ...zones.map((z) => z.party)])].sort((a, b) => a - b);
  if (parties.length) {
    key.append(element('h3', {}, 'Parties'));
    for (const party of parties) {
      const box = element('input', { type: 'checkbox' });
      box.checked = shownParty(party);
      box.addEventListener('change', () => {
        if (box.checked) chosen.hidden.delete(party); else chosen.hidden.add(party);
        repaint(true);
      });
      const swatch = element('span', { class: 'swatch', 'aria-hidden': 'true' });
      swatch.dataset.party = party;
      swatch.style.background = partyColour(party);
      key.append(element('label', {}, box, swatch, say.party(party)));
    }
    if (DATA.parties.length > PARTY_COLOURS) key.append(element('div', { class: 'row' }, 'Colours repeat: more parties than colours.'));
  }
  const lines = [];
  const line = (dash, width, alpha, round) => (ctx) => {
    ctx.strokeStyle = colours.text;
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width;
    ctx.setLineDash(dash);
    if (round) ctx.lineCap = 'round';
    ctx.beginPath();
    ctx.moveTo(1, 7);
    ctx.lineTo(33, 7);
    ctx.stroke();
  };
  const symbol = (kind) => (ctx) => {
    line(DASHES[kind], 1.6, 0.6)(ctx);
    drawSymbol(ctx, 17, 7, kind, Math.PI / 2, colours.text, false, 0.72);
  };
  for (const kind of [CREWED, UNCREWED, GROUND]) if (moving.kind.includes(kind)) lines.push([KINDS[kind], symbol(kind)]);
  if (moving.form.includes(1)) {
    lines.push(['planned', (ctx) => {
      line([], 1.2, 0.7)(ctx);
      ctx.fillStyle = colours.paper;
      for (const x of [7, 27]) { ctx.beginPath(); ctx.arc(x, 7, 2.4, 0, 2 * Math.PI); ctx.fill(); ctx.stroke(); }
    }]);
  }
  if (moving.form.includes(2)) lines.push(['predicted', line([3, 4], 1.4, 0.9)]);
  if (moving.gap.includes(1)) lines.push(['not observed', line(GAP_DASH, 1.8, 0.9, true)]);
  if (zones.length) lines.push(['zone', (ctx) => { line([], 1.8, 1)(ctx); ctx.globalAlpha = 0.25; ctx.fillStyle = colours.text; ctx.fillRect(1, 7, 32, 5); }]);
  if (volumes.length) lines.push(['volume, in its window', (ctx) => { ctx.strokeStyle = colours.text; ctx.fillStyle = colours.text; ctx.globalAlpha = 0.18; ctx.fillRect(3, 2, 28, 10); ctx.globalAlpha = 1; ctx.strokeRect(3, 2, 28, 10); }]);
  if (DATA.findings.length) lines.push(['closest point', (ctx) => { ctx.strokeStyle = colours.alert; ctx.lineWidth = 1.8; ctx.beginPath(); ctx.arc(17, 7, 5, 0, 2 * Math.PI); ctx.stroke(); }]);
  if (lines.length) key.append(element('h3', {}, 'Lines'));
  byId('legend').hidden = !key.childElementCount && !lines.length;
  for (const [text, draw] of lines) key.append(element('div', { class: 'row' }, sample(draw), text));
}

function setUnits(metric) {
  say.metric = metric;
  byId('units').textContent = metric ? 'km · m' : 'NM · ft';
  byId('units').setAttribute('aria-label', `Units: ${metric ? 'kilometres and metres' : 'nautical miles and feet'}. Change`);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId('theme').textContent = theme === 'night' ? 'Night' : 'Day';
  byId('theme').setAttribute('aria-label', `Colours: ${theme}. Change`);
  readColours();
  recolourChips();
  buildKey();
  drawMarks();
  panel.updateDetail();
  repaint(true);
}

// -- start ----------------------------------------------------------------------------------------------------

function start() {
  document.title = `${DATA.title} · ${DATA.mode.toUpperCase()}`;
  byId('title').textContent = DATA.title;
  byId('statement').textContent = DATA.statement;
  const mode = byId('mode');
  mode.dataset.mode = DATA.mode;
  mode.append(element('b', {}, DATA.mode === 'none' ? 'NO DATA' : DATA.mode.toUpperCase()), ' ', DATA.modeText);
  readColours();
  setUnits(DATA.metric);
  panel.build({ select, setTime, focus, showGap });
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  let byHand = false;
  dark.addEventListener('change', () => { if (!byHand) setTheme(dark.matches ? 'night' : 'day'); });
  byId('theme').addEventListener('click', () => {
    byHand = true;
    setTheme(document.documentElement.dataset.theme === 'night' ? 'day' : 'night');
  });
  byId('units').addEventListener('click', () => {
    setUnits(!say.metric);
    panel.findings?.draw();
    panel.updateThings(true);
    repaint(true);
  });
  byId('closer').addEventListener('click', () => zoomBy(1.6));
  byId('further').addEventListener('click', () => zoomBy(1 / 1.6));
  byId('all').addEventListener('click', showAll);
  byId('ruler').addEventListener('click', () => measure(!chosen.measuring));
  if (DATA.range) {
    [slider.min, slider.max] = DATA.range.map(String);
    slider.addEventListener('input', () => setTime(Number(slider.value), true));
    byId('play').addEventListener('click', () => play(!playing));
    const pace = (DATA.range[1] - DATA.range[0]) / 60000;
    const speeds = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 86400];
    speed = speeds.findLast((s) => s <= pace) ?? 1;
    const choice = byId('speed');
    for (const s of speeds) choice.append(element('option', { value: String(s), selected: s === speed }, `${s}×`));
    choice.addEventListener('change', () => { speed = Number(choice.value); });
  } else byId('clock').hidden = true;
  resize();
  if (view.width < 640) byId('legend').open = false;
  setTime(DATA.opening);
  setTheme(dark.matches ? 'night' : 'day');
  setView(viewOf(...DATA.fit));
  listenToPointer();
  listenToKeys();
  new ResizeObserver(() => {
    resize();
    drawMarks();
    panel.updateDetail();
    // at once, not in the next frame: a canvas whose size was set is empty
    drawBase();
    drawLive();
  }).observe(stage);
}

start();
