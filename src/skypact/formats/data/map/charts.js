// The two small charts of a finding: how far apart, and how high, over time. Click or drag in one to set the time.
'use strict';

const CHART_LEFT = 46;
const CHART_BOTTOM = 16;

function chartSpan(f) {
  const start = f.start ?? f.closest;
  const end = f.end ?? f.closest;
  const room = Math.max(60000, (end - start) * 0.6);
  const things = [sideThing(f.a), sideThing(f.b)].filter((i) => i >= 0);
  let low = start - room;
  let high = end + room;
  for (const i of things) {
    low = Math.max(low, moving.t[moving.first[i]]);
    high = Math.min(high, moving.t[moving.first[i + 1] - 1]);
  }
  return high > low ? [low, high] : null;
}

/** Round steps for an axis: about three of them. */
function axisSteps(low, high) {
  const rough = Math.max(1e-9, (high - low) / 3);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const out = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-6; n++) out.push(n * step + 0);
  return out;
}

function drawChart(canvas, f, span, lines, limit, unit, marks) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ctx = canvas.getContext('2d');
  ctx.scale(ratio, ratio);
  const values = lines.flatMap((line) => line.points.map((p) => p[1])).filter((v) => Number.isFinite(v));
  if (!values.length) return;
  if (limit > 0) values.push(limit * 1.08);
  let low = unit.zero ? 0 : Math.min(...values);
  let high = Math.max(...values);
  const least = unit.least;
  if (high - low < least) {
    const middle = (high + low) / 2;
    low = unit.zero ? 0 : middle - least / 2;
    high = low + least;
  } else {
    const room = (high - low) * 0.08;
    high += room;
    if (!unit.zero) low -= room;
  }
  const x = (t) => CHART_LEFT + (t - span[0]) / (span[1] - span[0]) * (width - CHART_LEFT - 6);
  const y = (v) => 5 + (high - v) / (high - low) * (height - CHART_BOTTOM - 10);
  ctx.font = `11px ${FONT}`;
  const start = f.start ?? f.closest;
  const end = f.end ?? f.closest;
  ctx.fillStyle = colours.alert;
  ctx.globalAlpha = 0.12;
  ctx.fillRect(x(Math.max(span[0], start)), 4, Math.max(1.5, x(Math.min(span[1], end)) - x(Math.max(span[0], start))), height - CHART_BOTTOM - 4);
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1;
  ctx.textAlign = 'right';
  ctx.fillStyle = colours.quiet;
  for (const v of axisSteps(low / unit.size, high / unit.size)) {
    const at = y(v * unit.size);
    ctx.strokeStyle = colours.rule;
    ctx.beginPath();
    ctx.moveTo(CHART_LEFT, at);
    ctx.lineTo(width - 6, at);
    ctx.stroke();
    ctx.fillText(unit.text(v), CHART_LEFT - 5, at + 4);
  }
  if (limit > 0 && limit < high) {
    ctx.strokeStyle = colours.alert;
    ctx.setLineDash([5, 3]);
    ctx.beginPath();
    ctx.moveTo(CHART_LEFT, y(limit));
    ctx.lineTo(width - 6, y(limit));
    ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const line of lines) {
    ctx.strokeStyle = line.colour;
    ctx.lineWidth = 2;
    ctx.setLineDash(line.dash ?? []);
    ctx.beginPath();
    let pen = false;
    for (const [t, v] of line.points) {
      if (!Number.isFinite(v)) pen = false;
      else if (pen) ctx.lineTo(x(t), y(v));
      else { ctx.moveTo(x(t), y(v)); pen = true; }
    }
    ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const [t, v, colour] of marks) {
    if (!Number.isFinite(v)) continue;
    ctx.fillStyle = colours.panel;
    ctx.strokeStyle = colour;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(x(t), y(v), 4, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
  if (chosen.t >= span[0] && chosen.t <= span[1]) {
    ctx.strokeStyle = colours.text;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x(chosen.t), 3);
    ctx.lineTo(x(chosen.t), height - CHART_BOTTOM);
    ctx.stroke();
  }
  ctx.fillStyle = colours.quiet;
  ctx.textAlign = 'left';
  ctx.fillText(say.time(span[0]), CHART_LEFT, height - 3);
  ctx.textAlign = 'right';
  ctx.fillText(say.time(span[1]), width - 6, height - 3);
}

/** The charts of a finding, as elements; `update` redraws them for the chosen time. None where nothing moves. */
function charts(f, setTime) {
  const span = chartSpan(f);
  const [i, j] = [sideThing(f.a), sideThing(f.b)];
  const figures = [];
  if (!span || i < 0) return { figures, update() {} };
  const times = [];
  for (let s = 0; s <= 160; s++) times.push(span[0] + (span[1] - span[0]) * s / 160);
  for (const thing of [i, j]) {
    if (thing < 0) continue;
    for (let k = moving.first[thing]; k < moving.first[thing + 1]; k++) {
      if (moving.t[k] > span[0] && moving.t[k] < span[1]) times.push(moving.t[k]);
    }
  }
  times.push(f.closest);
  times.sort((a, b) => a - b);
  const shown = times.filter((t) => t >= span[0] && t <= span[1]);
  const plots = [];
  const figure = (caption, draw) => {
    const canvas = element('canvas', { role: 'img', 'aria-label': caption });
    const set = (event) => {
      const box = canvas.getBoundingClientRect();
      const part = (event.clientX - box.left - CHART_LEFT) / (box.width - CHART_LEFT - 6);
      setTime(span[0] + Math.max(0, Math.min(1, part)) * (span[1] - span[0]));
    };
    canvas.addEventListener('pointerdown', (event) => { canvas.setPointerCapture(event.pointerId); set(event); });
    canvas.addEventListener('pointermove', (event) => { if (event.buttons) set(event); });
    figures.push(element('figure', {}, element('figcaption', {}, caption), canvas));
    plots.push(() => draw(canvas));
  };
  const feet = say.metric ? 1 : 0.3048;
  const whole = (v) => Math.round(v).toLocaleString('en');
  if (j >= 0) {
    const apart = shown.map((t) => [t, apartAt(f, t)?.horizontal ?? NaN]);
    const size = say.metric ? (Math.max(...apart.map((p) => p[1] || 0)) > 5000 ? 1000 : 1) : 1852;
    const name = size === 1 ? 'm' : size === 1000 ? 'km' : 'NM';
    figure(`Horizontal distance, ${name}${f.minima[0] > 0 ? '; dashed: the minimum' : ''}`, (canvas) => drawChart(canvas, f, span,
      [{ points: apart, colour: colours.text }], f.minima[0],
      { size, zero: true, least: size === 1 ? 20 : size / 2, text: (v) => v.toLocaleString('en', { maximumFractionDigits: 2 }) },
      [[f.closest, f.horizontal ?? NaN, colours.alert]]));
  }
  const same = j < 0 || moving.reference[i] === moving.reference[j];
  const lines = () => [i, j].filter((thing) => thing >= 0).map((thing, n) => ({
    points: shown.map((t) => {
      const place = placeAt(thing, t);
      return [t, place && !place.unseen ? place.altitude : NaN];
    }),
    colour: partyColour(moving.party[thing]),
    dash: n ? [6, 3] : [],
  }));
  if (lines().some((line) => line.points.some((p) => Number.isFinite(p[1]) && p[1] !== 0)) || moving.kind[i] !== GROUND) {
    const names = j < 0 ? shorter(f.a.id, 24) : `${shorter(f.a.id, 18)} (line), ${shorter(f.b.id, 18)} (dashed)`;
    const reference = ['above WGS 84', 'AMSL', 'standard pressure', 'above ground'][moving.reference[i]];
    const caption = same ? `Altitude, ${say.metric ? 'm' : 'ft'} ${reference}: ${names}`
      : `Altitude, ${say.metric ? 'm' : 'ft'}, each in its own reference, so not to be compared: ${names}`;
    figure(caption, (canvas) => {
      const marks = [[f.closest, f.a.altitude ?? NaN, colours.alert]];
      if (j >= 0) marks.push([f.closest, f.b.altitude ?? NaN, colours.alert]);
      drawChart(canvas, f, span, lines(), 0, { size: feet, zero: false, least: 60, text: whole }, marks);
    });
  }
  return { figures, update() { plots.forEach((plot) => plot()); } };
}
