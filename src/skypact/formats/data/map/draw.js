// What is seen: the ground and whole tracks on one canvas, redrawn when the view moves; what moves with time on a second above it.
'use strict';

const baseCanvas = document.getElementById('base');
const liveCanvas = document.getElementById('live');
const stage = document.getElementById('stage');

/** The view: the plane point in the middle, and pixels a metre. */
const view = { x: 0, y: 0, k: 1, width: 1, height: 1, ratio: 1 };
const VIEW_MIN_K = 1 / 50000;
const VIEW_MAX_K = 4;

/** What the person has chosen. Instants as in scene.js; selected is a number of DATA.findings, focus a thing or zone. */
const chosen = { t: 0, selected: -1, focus: null, hidden: new Set(), ruler: null, measuring: false };

const colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['sea', 'land', 'coast', 'border', 'grid', 'name', 'text', 'quiet', 'alert', 'halo', 'paper', 'unstated',
    'rule', 'panel', 'party-0', 'party-1', 'party-2', 'party-3', 'party-4']) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
}
const PARTY_COLOURS = 5;
function partyColour(number) {
  return number < 0 ? colours.unstated : colours[`party-${number % PARTY_COLOURS}`];
}

function toScreen(x, y) {
  return [(x - view.x) * view.k + view.width / 2, view.height / 2 - (y - view.y) * view.k];
}
function toPlane(sx, sy) {
  return [(sx - view.width / 2) / view.k + view.x, (view.height / 2 - sy) / view.k + view.y];
}
function placeOnScreen(lat, lng) {
  return toScreen(...plane.forward(lat, lng));
}

function resize() {
  view.ratio = Math.min(window.devicePixelRatio || 1, 3);
  view.width = Math.max(1, stage.clientWidth);
  view.height = Math.max(1, stage.clientHeight);
  for (const canvas of [baseCanvas, liveCanvas]) {
    canvas.width = Math.round(view.width * view.ratio);
    canvas.height = Math.round(view.height * view.ratio);
  }
}

/** The view that shows a box of the plane with some room around it, beside the open key where there is space for both. */
function viewOf(west, south, east, north) {
  const room = Math.min(view.width, view.height) > 420 ? 44 : 18;
  const key = document.getElementById('legend');
  const left = key.open && view.width > 2.4 * key.offsetWidth ? key.offsetWidth : 0;
  const wanted = Math.min((view.width - left - 2 * room) / Math.max(1, east - west), (view.height - 2 * room) / Math.max(1, north - south));
  const k = Math.min(VIEW_MAX_K, Math.max(VIEW_MIN_K, wanted));
  return { x: (west + east) / 2 - left / 2 / k, y: (south + north) / 2, k };
}

const DASHES = { [CREWED]: [], [UNCREWED]: [8, 4], [GROUND]: [8, 3, 2, 3], 3: [] };
const GAP_DASH = [1.5, 5];
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

/** From how many on things are drawn more quietly. */
const MANY = 60;

function shownParty(number) {
  return !chosen.hidden.has(number);
}
function shownThing(i) {
  return shownParty(moving.party[i]);
}

// -- the ground -----------------------------------------------------------------------------------------------

function drawGround(ctx) {
  const [left, top] = toPlane(0, 0);
  const [right, bottom] = toPlane(view.width, view.height);
  const within = (half) => left >= -half && right <= half && bottom >= -half && top <= half;
  const beyond = (half) => left > half || right < -half || bottom > half || top < -half;
  ctx.fillStyle = colours.paper;
  ctx.fillRect(0, 0, view.width, view.height);
  // only the finest square that fills the view needs drawing
  let from = 0;
  world.forEach((layer, k) => { if (within(layer.half)) from = k; });
  ctx.save();
  const r = view.ratio;
  ctx.setTransform(view.k * r, 0, 0, -view.k * r, (view.width / 2 - view.x * view.k) * r, (view.height / 2 + view.y * view.k) * r);
  world.forEach((layer, k) => {
    if (k < from || beyond(layer.half)) return;
    ctx.save();
    ctx.beginPath();
    if (k === 0) ctx.arc(0, 0, layer.half, 0, 2 * Math.PI);
    else ctx.rect(-layer.half, -layer.half, 2 * layer.half, 2 * layer.half);
    ctx.clip();
    ctx.fillStyle = colours.sea;
    ctx.fillRect(-layer.half, -layer.half, 2 * layer.half, 2 * layer.half);
    ctx.fillStyle = colours.land;
    ctx.fill(layer.land, 'evenodd');
    ctx.lineJoin = 'round';
    ctx.strokeStyle = colours.coast;
    ctx.lineWidth = 1 / view.k;
    ctx.stroke(layer.coast);
    ctx.strokeStyle = colours.border;
    ctx.lineWidth = 1.2 / view.k;
    ctx.setLineDash([6 / view.k, 2.5 / view.k, 1.5 / view.k, 2.5 / view.k]);
    ctx.stroke(layer.border);
    ctx.restore();
  });
  ctx.restore();
}

const GRID_STEPS = [30, 20, 10, 5, 2, 1, 1 / 2, 1 / 4, 1 / 6, 1 / 12, 1 / 30, 1 / 60, 1 / 120, 1 / 360, 1 / 720, 1 / 3600];

/** The range of latitudes and longitudes in view; longitudes run on past 180 where the view does. */
function bounds() {
  let [south, north, west, east] = [90, -90, Infinity, -Infinity];
  const [, middle] = plane.inverse(view.x, view.y);
  for (let a = 0; a <= 12; a++) {
    for (let b = 0; b <= 12; b++) {
      const [lat, lng] = plane.inverse(...toPlane(a * view.width / 12, b * view.height / 12));
      const near = middle + wrapped(lng - middle);
      south = Math.min(south, lat); north = Math.max(north, lat);
      west = Math.min(west, near); east = Math.max(east, near);
    }
  }
  for (const pole of [90, -90]) {
    const [x, y] = placeOnScreen(pole, 0);
    if (x >= 0 && x <= view.width && y >= 0 && y <= view.height) {
      [west, east] = [-180, 180];
      if (pole > 0) north = 90; else south = -90;
    }
  }
  return { south, north, west, east };
}

function degreesText(value, step, signs) {
  const sign = Math.abs(value) === 180 ? '' : value < 0 ? signs[1] : value > 0 ? signs[0] : '';
  const seconds = Math.round(Math.abs(value) * 3600);
  const d = Math.floor(seconds / 3600);
  const m = Math.floor(seconds % 3600 / 60);
  if (step >= 1 - 1e-9) return `${d}°${sign}`;
  if (step >= 1 / 60 - 1e-9) return `${d}°${String(m).padStart(2, '0')}′${sign}`;
  return `${d}°${String(m).padStart(2, '0')}′${String(seconds % 60).padStart(2, '0')}″${sign}`;
}

function drawGrid(ctx, room) {
  const seen = bounds();
  const metresWanted = 150 / view.k;
  const latStep = GRID_STEPS.findLast((s) => s * 111200 >= metresWanted) ?? 30;
  const narrow = Math.max(0.02, Math.cos(Math.min(89, Math.max(Math.abs(seen.south), Math.abs(seen.north))) * RAD));
  const wide = Math.max(narrow, Math.cos(((seen.south + seen.north) / 2) * RAD));
  const lngStep = seen.east - seen.west >= 359 ? 30 : GRID_STEPS.findLast((s) => s * 111200 * wide >= metresWanted) ?? 30;
  ctx.save();
  ctx.beginPath();
  ctx.arc(...toScreen(0, 0), world[0].half * view.k, 0, 2 * Math.PI);
  ctx.clip();
  ctx.strokeStyle = colours.grid;
  ctx.lineWidth = 1;
  const labels = [];
  const line = (points, label, edge) => {
    ctx.beginPath();
    let last = null;
    for (const [lat, lng] of points) {
      const at = placeOnScreen(lat, lng);
      if (last) ctx.lineTo(...at); else ctx.moveTo(...at);
      if (last && edge === 'bottom') {
        const sill = view.height - 1;
        if ((last[1] - sill) * (at[1] - sill) <= 0 && last[1] !== at[1]) {
          labels.push([label, last[0] + (at[0] - last[0]) * (sill - last[1]) / (at[1] - last[1]), sill - 4, 'center']);
        }
      } else if (last && (last[0] - view.width) * (at[0] - view.width) <= 0 && last[0] !== at[0]) {
        const y = last[1] + (at[1] - last[1]) * (view.width - last[0]) / (at[0] - last[0]);
        labels.push([label, view.width - 6, y - 4, 'right']);
      }
      last = at;
    }
    ctx.stroke();
  };
  const steps = (low, high, step) => {
    const out = [];
    for (let k = Math.ceil(low / step - 1e-9); k <= Math.floor(high / step + 1e-9) && out.length < 400; k++) out.push(k * step);
    return out;
  };
  const low = Math.max(-90, seen.south - latStep);
  const high = Math.min(90, seen.north + latStep);
  for (const lng of steps(seen.west, seen.east, lngStep)) {
    const points = [];
    for (let s = 0; s <= 40; s++) points.push([low + (high - low) * s / 40, lng]);
    line(points, degreesText(wrapped(lng) || 0, lngStep, 'EW'), 'bottom');
  }
  for (const lat of steps(Math.max(-89.999, seen.south), Math.min(89.999, seen.north), latStep)) {
    const points = [];
    const turn = Math.min(360, seen.east - seen.west + 2 * lngStep);
    for (let s = 0; s <= 80; s++) points.push([lat, seen.west - (turn - seen.east + seen.west) / 2 + turn * s / 80]);
    line(points, degreesText(lat, latStep, 'NS'), 'right');
  }
  ctx.restore();
  ctx.font = `11px ${FONT}`;
  for (const [label, x, y, align] of labels) {
    const [px, py] = toPlane(x, y);
    if (Math.hypot(px, py) > world[0].half) continue;
    if (align === 'center' && (x < 190 || x > view.width - 190)) continue;
    if (align === 'right' && (y < 190 || y > view.height - 50)) continue;
    ctx.textAlign = align;
    const w = ctx.measureText(label).width;
    if (room.take(x - (align === 'right' ? w : w / 2) - 4, y - 11, w + 8, 15)) haloText(ctx, label, x, y, colours.name);
  }
}

function haloText(ctx, text, x, y, colour, width = 3) {
  ctx.lineJoin = 'round';
  ctx.lineWidth = width;
  ctx.strokeStyle = colours.halo;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(text, x, y);
}

/** Places labels so that none lies on another; answers whether there was room. */
class Room {
  constructor() { this.taken = []; }

  free(x, y, w, h) {
    return !this.taken.some((t) => x < t[0] + t[2] && t[0] < x + w && y < t[1] + t[3] && t[1] < y + h);
  }

  take(x, y, w, h) {
    if (!this.free(x, y, w, h)) return false;
    this.taken.push([x, y, w, h]);
    return true;
  }
}

function drawNames(ctx, room) {
  const inside = (x, y) => x > 10 && y > 14 && x < view.width - 10 && y < view.height - 10;
  ctx.textAlign = 'center';
  for (const [name, px, py, km] of DATA.world.names.country) {
    const size = km * 1000 * view.k;
    if (size < 16) continue;
    const [x, y] = toScreen(px, py);
    if (!inside(x, y)) continue;
    ctx.font = `600 12px ${FONT}`;
    const text = name.toUpperCase().split('').join('\u200a');
    const w = ctx.measureText(text).width;
    if (w > size * 3.2 || !room.take(x - w / 2 - 6, y - 12, w + 12, 18)) continue;
    ctx.globalAlpha = 0.75;
    haloText(ctx, text, x, y, colours.name);
    ctx.globalAlpha = 1;
  }
  let placed = 0;
  const most = Math.max(8, view.width * view.height / 42000);
  for (const [name, px, py, km] of DATA.world.names.place) {
    if (placed >= most || km * 1000 * view.k < 26) break;
    const [x, y] = toScreen(px, py);
    if (!inside(x, y)) continue;
    ctx.font = `11.5px ${FONT}`;
    ctx.textAlign = 'left';
    const w = ctx.measureText(name).width;
    if (!room.take(x - 5, y - 9, w + 16, 17)) continue;
    placed++;
    ctx.fillStyle = colours.name;
    ctx.beginPath();
    ctx.arc(x, y, 2, 0, 2 * Math.PI);
    ctx.fill();
    haloText(ctx, name, x + 6, y + 4, colours.name);
  }
}

function drawScale(ctx) {
  const metresAcross = (px) => {
    const [x, y] = [view.width / 2, view.height / 2];
    const [a, b] = [plane.inverse(...toPlane(x - px / 2, y)), plane.inverse(...toPlane(x + px / 2, y))];
    return geodesicBetween(...a, ...b).metres;
  };
  const perPixel = metresAcross(100) / 100;
  const unit = say.metric ? (perPixel * 120 < 1000 ? 1 : 1000) : perPixel * 120 < 600 ? 1 : 1852;
  const name = unit === 1 ? 'm' : unit === 1000 ? 'km' : 'NM';
  const target = perPixel * 120 / unit;
  const power = 10 ** Math.floor(Math.log10(target));
  const nice = [5, 2, 1].map((n) => n * power).find((n) => n <= target) ?? power;
  const width = nice * unit / perPixel;
  const [x, y] = [view.width - 16 - width, view.height - 26];
  for (const [colour, thick] of [[colours.halo, 5], [colours.text, 1.5]]) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = thick;
    ctx.beginPath();
    ctx.moveTo(x, y - 5); ctx.lineTo(x, y); ctx.lineTo(x + width, y); ctx.lineTo(x + width, y - 5);
    ctx.stroke();
  }
  ctx.font = `11.5px ${FONT}`;
  ctx.textAlign = 'center';
  haloText(ctx, `${nice.toLocaleString('en', { maximumFractionDigits: 3 })} ${name}`, x + width / 2, y - 8, colours.text);
}

// -- outlines and tracks --------------------------------------------------------------------------------------

function offScreen(west, south, east, north, spare = 20) {
  const [x1, y1] = toScreen(west, north);
  const [x2, y2] = toScreen(east, south);
  return x2 < -spare || y2 < -spare || x1 > view.width + spare || y1 > view.height + spare;
}

/** A path through plane points given by a function, cut to what a canvas can bear: far off screen only the way past is kept. */
function trace(ctx, n, at, closed) {
  const fine = moving.n > MANY ? 2 : 0.8;
  let [lastX, lastY] = [NaN, NaN];
  for (let k = 0; k < n; k++) {
    const [px, py] = at(k);
    const x = (px - view.x) * view.k + view.width / 2;
    const y = view.height / 2 - (py - view.y) * view.k;
    if (k === 0) ctx.moveTo(x, y);
    else if (Math.abs(x - lastX) + Math.abs(y - lastY) > fine || k === n - 1) ctx.lineTo(x, y);
    else continue;
    [lastX, lastY] = [x, y];
  }
  if (closed) ctx.closePath();
}

function traceShape(ctx, shape) {
  ctx.beginPath();
  trace(ctx, shape.ring.length, (k) => shape.ring[k], true);
}

function drawZone(ctx, zone, active) {
  if (!shownParty(zone.party) || offScreen(zone.west, zone.south, zone.east, zone.north)) return;
  const colour = partyColour(zone.party);
  traceShape(ctx, zone);
  ctx.globalAlpha = active ? 0.07 : 0.02;
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.globalAlpha = active ? 1 : 0.45;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.8;
  ctx.setLineDash([]);
  ctx.stroke();
  // a second, thin line inside tells a zone from a volume without colour
  ctx.save();
  ctx.clip();
  ctx.globalAlpha *= 0.3;
  ctx.lineWidth = 9;
  ctx.stroke();
  ctx.restore();
  ctx.globalAlpha = 1;
}

function drawVolume(ctx, volume, active) {
  if (!shownParty(volume.party) || offScreen(volume.west, volume.south, volume.east, volume.north)) return;
  const colour = partyColour(volume.party);
  traceShape(ctx, volume);
  ctx.fillStyle = colour;
  ctx.globalAlpha = active ? 0.16 : 0;
  if (active) ctx.fill();
  ctx.globalAlpha = active ? 1 : 0.4;
  ctx.strokeStyle = colour;
  ctx.lineWidth = active ? 1.6 : 1;
  ctx.setLineDash(active ? DASHES[volume.kind] ?? [] : [2, 3]);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

function drawZoneNames(ctx, room) {
  ctx.font = `600 12.5px ${FONT}`;
  ctx.textAlign = 'center';
  for (const zone of zones) {
    if (!shownParty(zone.party) || offScreen(zone.west, zone.south, zone.east, zone.north, 0)) continue;
    if ((zone.east - zone.west) * view.k < 44) continue;
    let top = zone.ring[0];
    for (const point of zone.ring) if (point[1] > top[1]) top = point;
    let [x, y] = toScreen(...top);
    y += y < 24 ? 0 : 20;
    const name = shorter(zone.id, 30);
    const w = ctx.measureText(name).width;
    x = Math.max(w / 2 + 8, Math.min(view.width - w / 2 - 8, x));
    if (y < 14 || y > view.height - 8) continue;
    if (room.take(x - w / 2, y - 12, w, 16)) haloText(ctx, name, x, y, partyColour(zone.party), 4);
  }
}

function shorter(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Strokes the samples of thing i from `low` to `high`: what was seen as a line of its kind, what was not as dots. */
function strokeSamples(ctx, i, low, high, start, end) {
  const dash = moving.form[i] === 2 ? [3, 4] : DASHES[moving.kind[i]] ?? [];
  let from = low;
  const stroke = (a, b, dots) => {
    ctx.beginPath();
    const head = a === low && start ? 1 : 0;
    const tail = b === high && end ? 1 : 0;
    const pieces = [];
    for (let k = a; k < b; k++) {
      const apart = Math.hypot(moving.x[k + 1] - moving.x[k], moving.y[k + 1] - moving.y[k]);
      pieces.push(apart > 60000 ? Math.min(200, Math.ceil(apart / 60000)) : 1);
    }
    if (pieces.every((n) => n === 1)) {
      trace(ctx, b - a + 1 + head + tail, (k) => {
        if (head && k === 0) return [start.x, start.y];
        const at = a + k - head;
        return at > b ? [end.x, end.y] : [moving.x[at], moving.y[at]];
      });
    } else {
      const points = head ? [[start.x, start.y]] : [];
      for (let k = a; k < b; k++) {
        for (let s = 0; s < pieces[k - a]; s++) {
          points.push(plane.forward(...between(moving.lat[k], moving.lng[k], moving.lat[k + 1], moving.lng[k + 1], s / pieces[k - a])));
        }
      }
      points.push([moving.x[b], moving.y[b]]);
      if (tail) points.push([end.x, end.y]);
      trace(ctx, points.length, (k) => points[k]);
    }
    ctx.setLineDash(dots ? GAP_DASH : dash);
    if (dots) ctx.lineCap = 'round';
    ctx.stroke();
    ctx.lineCap = 'butt';
    ctx.setLineDash([]);
  };
  for (let k = low; k < high; k++) {
    if (!moving.gap[k]) continue;
    if (k > from || (from === low && start)) stroke(from, k, false);
    stroke(k, k + 1, true);
    from = k + 1;
  }
  if (high > from || (high === from && (end || (start && from === low)))) stroke(from, high, false);
}

const boxes = (() => {
  const out = new Float64Array(moving.n * 4);
  for (let i = 0; i < moving.n; i++) {
    let [w, s, e, n] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = moving.first[i]; k < moving.first[i + 1]; k++) {
      w = Math.min(w, moving.x[k]); e = Math.max(e, moving.x[k]);
      s = Math.min(s, moving.y[k]); n = Math.max(n, moving.y[k]);
    }
    out.set([w, s, e, n], 4 * i);
  }
  return out;
})();

function trackInView(i) {
  return !offScreen(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]);
}

function drawTracks(ctx) {
  const many = moving.n > MANY;
  for (let i = 0; i < moving.n; i++) {
    if (moving.form[i] === 2 || !shownThing(i) || !trackInView(i)) continue;
    ctx.strokeStyle = partyColour(moving.party[i]);
    ctx.globalAlpha = (many ? 0.14 : 0.5) * (chosen.selected >= 0 && !many ? 0.6 : 1);
    ctx.lineWidth = moving.form[i] === 1 ? 1.2 : many ? 1 : 1.6;
    strokeSamples(ctx, i, moving.first[i], moving.first[i + 1] - 1);
    if (moving.form[i] === 1 && !many) {
      ctx.fillStyle = colours.paper;
      ctx.lineWidth = 1.2;
      for (let k = moving.first[i]; k < moving.first[i + 1]; k++) {
        const [x, y] = toScreen(moving.x[k], moving.y[k]);
        ctx.beginPath();
        ctx.arc(x, y, 2.4, 0, 2 * Math.PI);
        ctx.fill();
        ctx.stroke();
      }
    }
    ctx.globalAlpha = 1;
  }
}

function drawBase() {
  const ctx = baseCanvas.getContext('2d');
  ctx.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  drawGround(ctx);
  const room = new Room();
  drawGrid(ctx, room);
  drawNames(ctx, room);
  drawTracks(ctx);
  drawScale(ctx);
}

// -- what moves -----------------------------------------------------------------------------------------------

const trailMs = DATA.range ? Math.min(600000, Math.max(30000, (DATA.range[1] - DATA.range[0]) / 24)) : 0;

/** The shape of a thing: a dart for what is crewed, a kite for what is not, a square on the ground; hollow where not seen. */
function drawSymbol(ctx, x, y, kind, heading, colour, hollow, size = 1) {
  ctx.save();
  ctx.translate(x, y);
  if (heading !== null) ctx.rotate(heading);
  ctx.scale(size, size);
  ctx.beginPath();
  if (kind === GROUND) ctx.rect(-5, -5, 10, 10);
  else if (heading === null) ctx.arc(0, 0, 5, 0, 2 * Math.PI);
  else if (kind === UNCREWED) {
    ctx.moveTo(0, -8); ctx.lineTo(5.5, 0); ctx.lineTo(0, 6); ctx.lineTo(-5.5, 0); ctx.closePath();
  } else {
    ctx.moveTo(0, -9); ctx.lineTo(6, 7); ctx.lineTo(0, 3.5); ctx.lineTo(-6, 7); ctx.closePath();
  }
  ctx.lineJoin = 'round';
  ctx.strokeStyle = colours.halo;
  ctx.lineWidth = 4;
  ctx.stroke();
  ctx.fillStyle = hollow ? colours.halo : colour;
  ctx.fill();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.6;
  if (hollow) ctx.setLineDash([2, 2]);
  ctx.stroke();
  ctx.restore();
}

/** Things at the chosen instant: number and place. Filled by drawLive, read by the list and the pointer. */
let present = [];

function drawTrail(ctx, i, place, wide) {
  const since = sampleAt(i, Math.max(moving.t[moving.first[i]], chosen.t - trailMs));
  if (since < 0) return;
  const start = placeAt(i, Math.max(moving.t[moving.first[i]], chosen.t - trailMs));
  const low = Math.min(since + 1, place.sample);
  ctx.strokeStyle = partyColour(moving.party[i]);
  ctx.lineWidth = wide ? 4 : 2.4;
  ctx.globalAlpha = 0.9;
  if (since === place.sample) {
    ctx.beginPath();
    trace(ctx, 2, (k) => (k ? [place.x, place.y] : [start.x, start.y]));
    ctx.stroke();
  } else if (moving.gap[since] && chosen.t - trailMs > moving.t[since]) {
    strokeSamples(ctx, i, low, place.sample, null, place.unseen ? null : place);
  } else {
    strokeSamples(ctx, i, low, place.sample, start, place.unseen ? null : place);
  }
  ctx.globalAlpha = 1;
}

function sideThing(side) {
  return side.is && side.is[0] === 'moving' ? side.is[1] : -1;
}
function sideShape(side) {
  if (!side.is || side.is[0] === 'moving') return null;
  return (side.is[0] === 'zone' ? zones : volumes)[side.is[1]];
}

function drawWindow(ctx, i, start, end) {
  const low = sampleAt(i, Math.max(start, moving.t[moving.first[i]]));
  const high = sampleAt(i, Math.min(end, moving.t[moving.first[i + 1] - 1]));
  if (low < 0 || high < 0) return;
  const a = placeAt(i, Math.max(start, moving.t[moving.first[i]]));
  const b = placeAt(i, Math.min(end, moving.t[moving.first[i + 1] - 1]));
  ctx.strokeStyle = partyColour(moving.party[i]);
  ctx.lineWidth = 5;
  if (low === high) {
    ctx.beginPath();
    trace(ctx, 2, (k) => (k ? [b.x, b.y] : [a.x, a.y]));
    ctx.stroke();
  } else strokeSamples(ctx, i, low + 1, high, a, b);
}

function drawFinding(ctx, room) {
  const f = DATA.findings[chosen.selected];
  if (!f) return;
  for (const side of [f.a, f.b]) {
    const i = sideThing(side);
    if (i >= 0 && f.start !== null && f.end !== null) drawWindow(ctx, i, f.start, f.end);
    const shape = sideShape(side);
    if (shape) {
      traceShape(ctx, shape);
      ctx.strokeStyle = colours.halo;
      ctx.lineWidth = 5;
      ctx.stroke();
      ctx.strokeStyle = colours.text;
      ctx.lineWidth = 2;
      ctx.stroke();
    }
  }
  if (!f.a.at) return;
  const a = placeOnScreen(...f.a.at);
  const b = f.b.at ? placeOnScreen(...f.b.at) : null;
  if (b) {
    for (const [colour, thick] of [[colours.halo, 6], [colours.alert, 2.4]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = thick;
      ctx.beginPath();
      ctx.moveTo(...a);
      ctx.lineTo(...b);
      ctx.stroke();
    }
  }
  for (const at of b ? [a, b] : [a]) {
    for (const [colour, thick] of [[colours.halo, 5], [colours.alert, 2.4]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = thick;
      ctx.beginPath();
      ctx.arc(...at, 13, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }
  const text = nearText(f);
  ctx.font = `650 13px ${FONT}`;
  ctx.textAlign = 'left';
  const w = ctx.measureText(text).width;
  const x = Math.max(8, Math.min(view.width - w - 16, Math.max(a[0], b ? b[0] : a[0]) + 20));
  const y = (b ? (a[1] + b[1]) / 2 : a[1]) + 4;
  room.take(x - 6, y - 15, w + 12, 22);
  for (const at of b ? [a, b] : [a]) room.take(at[0] - 13, at[1] - 13, 26, 26);
  ctx.fillStyle = colours.panel;
  ctx.strokeStyle = colours.alert;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.roundRect(x - 7, y - 15, w + 14, 22, 5);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = colours.text;
  ctx.fillText(text, x, y);
}

/** How close, in the words of the list: one line. */
function nearText(f) {
  if (f.kind === 'entry') {
    const where = f.basis === 'predicted' ? 'predicted inside' : 'inside';
    return f.start !== null && f.end !== null && f.end > f.start ? `${where} for ${say.duration((f.end - f.start) / 1000)}` : where;
  }
  if (f.kind === 'outside') {
    const out = [];
    if (f.horizontal > 0) out.push(say.horizontal(f.horizontal));
    if (f.vertical > 0) out.push(say.vertical(f.vertical));
    return `${out.join(' · ') || 'just'} outside`;
  }
  if (f.horizontal === 0 && f.vertical === 0) return 'they meet';
  return `${say.horizontal(f.horizontal)} · ${say.vertical(f.vertical)}`;
}

function drawFindingPoints(ctx) {
  ctx.lineWidth = 1.6;
  const many = DATA.findings.length > MANY;
  DATA.findings.forEach((f, n) => {
    if (!f.a.at || n === chosen.selected) return;
    if (many && DATA.range && Math.abs(f.closest - chosen.t) > (DATA.range[1] - DATA.range[0]) / 48) return;
    const [x, y] = placeOnScreen(...f.a.at);
    if (x < -9 || y < -9 || x > view.width + 9 || y > view.height + 9) return;
    ctx.globalAlpha = f.agreed ? 0.5 : 1;
    ctx.beginPath();
    ctx.arc(x, y, 5, 0, 2 * Math.PI);
    ctx.strokeStyle = colours.halo;
    ctx.lineWidth = 4;
    ctx.stroke();
    ctx.strokeStyle = f.agreed ? colours.quiet : colours.alert;
    ctx.lineWidth = 1.8;
    ctx.stroke();
    ctx.globalAlpha = 1;
  });
}

function drawLive() {
  const ctx = liveCanvas.getContext('2d');
  ctx.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  ctx.clearRect(0, 0, view.width, view.height);
  const room = new Room();
  zones.forEach((zone) => drawZone(ctx, zone, activeAt(zone, chosen.t)));
  volumes.forEach((volume) => { if (!activeAt(volume, chosen.t)) drawVolume(ctx, volume, false); });
  volumes.forEach((volume) => { if (activeAt(volume, chosen.t)) drawVolume(ctx, volume, true); });
  const f = DATA.findings[chosen.selected];
  const held = new Set(f ? [sideThing(f.a), sideThing(f.b)] : []);
  if (chosen.focus && chosen.focus[0] === 'moving') held.add(chosen.focus[1]);
  for (const i of held) {
    if (i < 0) continue;
    ctx.strokeStyle = partyColour(moving.party[i]);
    ctx.lineWidth = 1.8;
    strokeSamples(ctx, i, moving.first[i], moving.first[i + 1] - 1);
  }
  present = [];
  for (let i = 0; i < moving.n; i++) {
    if (!shownThing(i)) continue;
    const place = placeAt(i, chosen.t);
    if (place) present.push({ i, place });
  }
  drawFindingPoints(ctx);
  for (const { i, place } of present) if (moving.form[i] !== 2) drawTrail(ctx, i, place, held.has(i));
  for (const { i, place } of present) {
    if (moving.form[i] !== 2) continue;
    ctx.strokeStyle = partyColour(moving.party[i]);
    ctx.lineWidth = 1.4;
    ctx.globalAlpha = 0.8;
    strokeSamples(ctx, i, Math.min(place.sample + 1, moving.first[i + 1] - 1), moving.first[i + 1] - 1, place, null);
    ctx.globalAlpha = 1;
  }
  drawFinding(ctx, room);
  drawBetween(ctx, f);
  const dimmed = held.size > 0 && present.length > 12;
  for (const { i, place } of present) {
    const [x, y] = toScreen(place.x, place.y);
    if (x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) continue;
    ctx.globalAlpha = dimmed && !held.has(i) ? 0.55 : 1;
    drawSymbol(ctx, x, y, moving.kind[i], place.heading, partyColour(moving.party[i]), place.unseen, held.has(i) ? 1.25 : 1);
    ctx.globalAlpha = 1;
  }
  drawLabels(ctx, room, held, dimmed);
  drawZoneNames(ctx, room);
  drawFocus(ctx);
  drawRuler(ctx);
}

function drawLabels(ctx, room, held, dimmed) {
  const order = [...present].sort((a, b) => held.has(b.i) - held.has(a.i));
  let placed = 0;
  ctx.textAlign = 'left';
  for (const { i, place } of order) {
    const [x, y] = toScreen(place.x, place.y);
    if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
    if (!held.has(i) && (dimmed || placed > 60)) continue;
    ctx.font = `${held.has(i) ? 650 : 500} 12px ${FONT}`;
    const name = shorter(moving.id[i], 22);
    const height = place.unseen ? `last seen ${say.time(place.seen)}`
      : moving.kind[i] === GROUND ? '' : say.altitude(place.altitude, moving.reference[i]);
    const w = Math.max(ctx.measureText(name).width, ctx.measureText(height).width);
    const spots = [[x + 12, y - 6], [x + 12, y + 18], [x - w - 12, y - 6], [x - w - 12, y + 18], [x - w / 2, y - 26], [x - w / 2, y + 28],
      [x + 14, y - 42], [x - w - 14, y - 42], [x + 14, y + 46], [x - w - 14, y + 46]];
    const spot = spots.find(([sx, sy]) => room.free(sx - 2, sy - 12, w + 4, 28));
    if (!spot && !held.has(i)) continue;
    const [sx, sy] = spot ?? spots[0];
    room.take(sx - 2, sy - 12, w + 4, 28);
    placed++;
    haloText(ctx, name, sx, sy, partyColour(moving.party[i]), 3.5);
    ctx.font = `12px ${FONT}`;
    haloText(ctx, height, sx, sy + 14, colours.text, 3.5);
  }
}

/** Between the two of the chosen finding, wherever they are now. */
function drawBetween(ctx, f) {
  const now = f ? apartNow(f) : null;
  if (!now || Math.abs(chosen.t - f.closest) < 1) return;
  const ends = [toScreen(now.a.x, now.a.y), toScreen(now.b.x, now.b.y)];
  if (!ends.every(([x, y]) => x > 0 && y > 0 && x < view.width && y < view.height)) return;
  ctx.setLineDash([4, 4]);
  ctx.strokeStyle = colours.text;
  ctx.lineWidth = 1.2;
  ctx.beginPath();
  ctx.moveTo(...ends[0]);
  ctx.lineTo(...ends[1]);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** How far the two of a finding are apart at an instant, as far as the drawing knows; null where one is not there. */
function apartAt(f, t) {
  const [i, j] = [sideThing(f.a), sideThing(f.b)];
  if (i < 0 || j < 0) return null;
  const [a, b] = [placeAt(i, t), placeAt(j, t)];
  if (!a || !b || a.unseen || b.unseen) return null;
  const same = moving.reference[i] === moving.reference[j];
  return {
    a, b, same, horizontal: geodesicBetween(a.lat, a.lng, b.lat, b.lng).metres,
    vertical: same ? Math.abs(a.altitude - b.altitude) : NaN,
  };
}
function apartNow(f) {
  return apartAt(f, chosen.t);
}

function drawFocus(ctx) {
  if (!chosen.focus) return;
  const [sort, number] = chosen.focus;
  if (sort === 'moving') {
    const place = placeAt(number, chosen.t);
    if (!place) return;
    const [x, y] = toScreen(place.x, place.y);
    ctx.strokeStyle = colours.text;
    ctx.lineWidth = 1.6;
    ctx.beginPath();
    ctx.arc(x, y, 16, 0, 2 * Math.PI);
    ctx.stroke();
  } else {
    traceShape(ctx, (sort === 'zone' ? zones : volumes)[number]);
    ctx.strokeStyle = colours.text;
    ctx.lineWidth = 2.5;
    ctx.stroke();
  }
}

function drawRuler(ctx) {
  const ruler = chosen.ruler;
  if (!ruler || !ruler.from) return;
  const to = ruler.to ?? ruler.from;
  const { metres, bearing } = geodesicBetween(...ruler.from, ...to);
  const steps = Math.min(100, Math.max(1, Math.ceil(metres / 50000)));
  ctx.beginPath();
  for (let s = 0; s <= steps; s++) {
    const at = placeOnScreen(...between(...ruler.from, ...to, s / steps));
    if (s) ctx.lineTo(...at); else ctx.moveTo(...at);
  }
  ctx.strokeStyle = colours.halo;
  ctx.lineWidth = 5;
  ctx.stroke();
  ctx.strokeStyle = colours.text;
  ctx.lineWidth = 1.6;
  ctx.stroke();
  const [x, y] = placeOnScreen(...to);
  const km = metres < 10000 ? say.metres(metres) : `${(metres / 1000).toFixed(1)} km`;
  ctx.font = `650 13px ${FONT}`;
  ctx.textAlign = 'left';
  haloText(ctx, `${(metres / 1852).toFixed(2)} NM · ${km} · ${String(Math.round(bearing) % 360).padStart(3, '0')}° true`, x + 12, y - 8, colours.text, 4);
}

/** What is under a point of the screen: ['finding' | 'moving' | 'zone' | 'volume', number], or null. */
function thingAt(sx, sy) {
  let best = null;
  let nearest = 15;
  for (const { i, place } of present) {
    const [x, y] = toScreen(place.x, place.y);
    const apart = Math.hypot(x - sx, y - sy);
    if (apart < nearest) [best, nearest] = [['moving', i], apart];
  }
  if (best) return best;
  nearest = 11;
  DATA.findings.forEach((f, n) => {
    if (!f.a.at) return;
    const [x, y] = placeOnScreen(...f.a.at);
    const apart = Math.hypot(x - sx, y - sy);
    if (apart < nearest) [best, nearest] = [['finding', n], apart];
  });
  if (best) return best;
  const [px, py] = toPlane(sx, sy);
  nearest = 5 / view.k;
  for (let i = 0; i < moving.n; i++) {
    if (!shownThing(i) || moving.form[i] === 2) continue;
    if (px < boxes[4 * i] - nearest || px > boxes[4 * i + 2] + nearest || py < boxes[4 * i + 1] - nearest || py > boxes[4 * i + 3] + nearest) continue;
    for (let k = moving.first[i]; k + 1 < moving.first[i + 1]; k++) {
      const [ax, ay, bx, by] = [moving.x[k], moving.y[k], moving.x[k + 1], moving.y[k + 1]];
      const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
      const part = length2 === 0 ? 0 : Math.max(0, Math.min(1, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length2));
      const apart = Math.hypot(ax + part * (bx - ax) - px, ay + part * (by - ay) - py);
      if (apart < nearest) [best, nearest] = [['moving', i], apart];
    }
  }
  if (best) return best;
  let smallest = Infinity;
  for (const [sort, list] of [['volume', volumes], ['zone', zones]]) {
    list.forEach((shape, n) => {
      const size = (shape.east - shape.west) * (shape.north - shape.south);
      if (size < smallest && shownParty(shape.party) && (sort === 'zone' || activeAt(shape, chosen.t)) && insideShape(shape, px, py)) {
        [best, smallest] = [[sort, n], size];
      }
    });
  }
  return best;
}
