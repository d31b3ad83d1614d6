// What is shown: the data of the page, laid out for drawing, and where things are at an instant. Nothing here touches the screen.
// An instant is milliseconds since DATA.base, itself milliseconds since 1970 UTC.
'use strict';

const DATA = JSON.parse(document.getElementById('data').textContent);
const plane = new Plane(DATA.centre[0], DATA.centre[1]);

const FORMS = ['recorded', 'planned', 'predicted'];
const KINDS = ['crewed', 'uncrewed', 'ground', 'static'];
const CREWED = 0;
const UNCREWED = 1;
const GROUND = 2;
const [W84, AMSL, STD, AGL] = [0, 1, 2, 3];
const NO_ALTITUDE = -20000001;

/** Everything that moves, in columns; thing i owns samples first[i] up to first[i + 1]. */
const moving = (() => {
  const m = DATA.moving;
  const counts = integers(m.counts);
  const first = new Int32Array(counts.length + 1);
  counts.forEach((n, k) => { first[k + 1] = first[k] + n; });
  const lat = running(m.lat, 1e-5);
  const lng = running(m.lng, 1e-5);
  const t = running(m.time, 10);
  const altitude = running(m.altitude, 1);
  for (let k = 0; k < altitude.length; k++) altitude[k] = altitude[k] === NO_ALTITUDE ? NaN : altitude[k] / 10;
  const gap = new Uint8Array(lat.length);
  for (const row of running(m.gaps, 1)) gap[row] = 1;
  const x = new Float64Array(lat.length);
  const y = new Float64Array(lat.length);
  for (let k = 0; k < lat.length; k++) [x[k], y[k]] = plane.forward(lat[k], lng[k]);
  return { n: counts.length, first, lat, lng, t, altitude, gap, x, y, id: m.id, party: m.party, kind: m.kind,
    form: m.form, reference: m.reference, source: m.source };
})();

/** Outlines, of volumes and of zones alike: each a ring of plane points, with its floor, ceiling and window. */
function shapes(columns) {
  const counts = integers(columns.counts);
  const lat = running(columns.lat, 1e-6);
  const lng = running(columns.lng, 1e-6);
  const out = [];
  let at = 0;
  columns.facts.forEach((fact, k) => {
    const ring = [];
    if (fact.radius) {
      for (let step = 0; step < 180; step++) {
        ring.push(plane.forward(...geodesicFrom(lat[at], lng[at], step * 2, fact.radius)));
      }
    } else {
      for (let v = at; v < at + counts[k]; v++) ring.push(plane.forward(lat[v], lng[v]));
    }
    let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [px, py] of ring) {
      west = Math.min(west, px); east = Math.max(east, px);
      south = Math.min(south, py); north = Math.max(north, py);
    }
    out.push({ ...fact, ring, west, south, east, north, centre: [lat[at], lng[at]] });
    at += counts[k];
  });
  return out;
}

const volumes = shapes(DATA.volumes);
const zones = shapes(DATA.zones);

const world = DATA.world.layers.map((layer) => {
  const path = (packed, closed) => {
    const counts = integers(packed.counts);
    const east = running(packed.east, layer.step);
    const north = running(packed.north, layer.step);
    const drawn = new Path2D();
    let at = 0;
    for (const n of counts) {
      drawn.moveTo(east[at], north[at]);
      for (let k = at + 1; k < at + n; k++) drawn.lineTo(east[k], north[k]);
      if (closed) drawn.closePath();
      at += n;
    }
    return drawn;
  };
  return { half: layer.half, land: path(layer.land, true), coast: path(layer.coast, false),
    border: path(layer.border, false) };
});

/** The last sample of thing i at or before t, or -1 where t lies outside its time. */
function sampleAt(i, t) {
  let low = moving.first[i];
  let high = moving.first[i + 1] - 1;
  if (t < moving.t[low] || t > moving.t[high]) return -1;
  while (low < high) {
    const half = (low + high + 1) >> 1;
    if (moving.t[half] <= t) low = half; else high = half - 1;
  }
  return low;
}

/**
 * Where thing i is at t, or null outside its time. In an unobserved gap `unseen` is true, and the position is where it was last
 * seen: nobody knows where it was then.
 */
function placeAt(i, t) {
  const k = sampleAt(i, t);
  if (k < 0) return null;
  const next = k + 1 < moving.first[i + 1] ? k + 1 : k;
  const span = moving.t[next] - moving.t[k];
  const unseen = moving.gap[k] === 1 && t > moving.t[k];
  const part = unseen || span === 0 ? 0 : (t - moving.t[k]) / span;
  const [lat, lng] = between(moving.lat[k], moving.lng[k], moving.lat[next], moving.lng[next], part);
  const [x, y] = plane.forward(lat, lng);
  let [from, to] = [k, next];
  if (next === k && k > moving.first[i]) from = k - 1;
  const dx = moving.x[to] - moving.x[from];
  const dy = moving.y[to] - moving.y[from];
  const seconds = (moving.t[to] - moving.t[from]) / 1000;
  const metres = unseen || seconds === 0 || moving.gap[from] ? NaN
    : geodesicBetween(moving.lat[from], moving.lng[from], moving.lat[to], moving.lng[to]).metres;
  return {
    lat, lng, x, y, sample: k, unseen, seen: moving.t[k],
    altitude: part === 0 ? moving.altitude[k]
      : moving.altitude[k] + part * (moving.altitude[next] - moving.altitude[k]),
    heading: Math.hypot(dx, dy) > 1 ? Math.atan2(dx, dy) : null,
    speed: metres / seconds,
  };
}

/** Whether a shape's window contains t; an open end is always. */
function activeAt(shape, t) {
  return (shape.start === null || t >= shape.start) && (shape.end === null || t < shape.end);
}

function insideShape(shape, x, y) {
  if (x < shape.west || x > shape.east || y < shape.south || y > shape.north) return false;
  let inside = false;
  const ring = shape.ring;
  for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
    if ((ring[a][1] > y) !== (ring[b][1] > y)
      && x < (ring[b][0] - ring[a][0]) * (y - ring[a][1]) / (ring[b][1] - ring[a][1]) + ring[a][0]) inside = !inside;
  }
  return inside;
}

// -- how things are said ------------------------------------------------------------------------------------

const say = {
  metric: DATA.metric,

  metres(m, digits) {
    return `${m.toLocaleString('en', { maximumFractionDigits: digits ?? (Math.abs(m) < 10 ? 1 : 0), roundingMode: 'trunc' })} m`;
  },
  // a distance is cut, never rounded up: the page must not say further apart than the check found
  cut(value, digits) {
    const scale = 10 ** digits;
    return Math.floor(value * scale + 1e-9) / scale;
  },
  horizontal(m) {
    if (m === null || Number.isNaN(m)) return 'not known';
    if (this.metric) return m < 10000 ? this.metres(m) : `${this.cut(m / 1000, m < 1e5 ? 1 : 0)} km`;
    const miles = m / 1852;
    if (miles < 0.5) return `${this.cut(miles, 2).toFixed(2)} NM (${this.metres(m)})`;
    return `${this.cut(miles, miles < 100 ? 2 : 0).toLocaleString('en')} NM`;
  },
  vertical(m) {
    if (m === null || Number.isNaN(m)) return 'height not known';
    if (this.metric) return this.metres(m);
    return `${this.cut(m / 0.3048, 0).toLocaleString('en')} ft`;
  },
  both(m, sideways) {
    const one = sideways ? `${this.cut(m / 1852, 2).toFixed(2)} NM` : `${this.cut(m / 0.3048, 0).toLocaleString('en')} ft`;
    return `${one} (${this.metres(m)})`;
  },
  altitude(m, reference) {
    if (m === null || Number.isNaN(m)) return 'altitude not known';
    const feet = m / 0.3048;
    if (reference === STD && !this.metric) {
      const level = Math.round(feet / 100);
      return level < 0 ? `FL −${String(-level).padStart(3, '0')}` : `FL${String(level).padStart(3, '0')}`;
    }
    const name = ['WGS 84', 'AMSL', 'std', 'AGL'][reference] ?? '';
    const number = this.metric ? this.metres(m, 0) : `${Math.round(feet).toLocaleString('en')} ft`;
    return `${number} ${name}`.trim();
  },
  limit(value, reference, open) {
    if (value === null) return open;
    if (value === 0 && reference === AGL) return 'surface';
    return this.altitude(value, reference);
  },
  speed(metres) {
    if (Number.isNaN(metres)) return '–';
    return this.metric ? `${Math.round(metres * 3.6)} km/h` : `${Math.round(metres * 3600 / 1852)} kt`;
  },
  place(lat, lng) {
    const part = (value, width, signs) => {
      const sign = signs[value < 0 ? 1 : 0];
      const minutes = Math.round(Math.abs(value) * 600) / 10;
      return `${String(Math.floor(minutes / 60)).padStart(width, '0')}°${(minutes % 60).toFixed(1).padStart(4, '0')}′${sign}`;
    };
    return `${part(lat, 2, 'NS')} ${part(lng, 3, 'EW')}`;
  },
  stamp(t) {
    return new Date(DATA.base + t).toISOString();
  },
  date(t) {
    return this.stamp(t).slice(0, 10);
  },
  time(t, fine) {
    if (t === null) return 'open';
    const text = this.stamp(t);
    return fine && text.slice(20, 23) !== '000' ? `${text.slice(11, 21)}Z` : `${text.slice(11, 19)}Z`;
  },
  moment(t) {
    if (t === null) return 'open';
    return DATA.days > 1 || !DATA.range || t < DATA.range[0] - 864e5 || t > DATA.range[1] + 864e5
      ? `${this.date(t)} ${this.time(t)}` : this.time(t);
  },
  window(start, end) {
    if (start === null && end === null) return 'always';
    if (start === null) return `until ${this.moment(end)}`;
    if (end === null) return `from ${this.moment(start)}`;
    return `${this.moment(start)} – ${this.moment(end)} (${this.duration((end - start) / 1000)})`;
  },
  duration(seconds) {
    if (seconds < 100) return `${seconds.toLocaleString('en', { maximumFractionDigits: seconds < 10 ? 1 : 0 })} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 100) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
  },
  party(number) {
    return number < 0 ? 'party not stated' : DATA.parties[number];
  },
  count(n, noun, many) {
    return `${n.toLocaleString('en')} ${n === 1 ? noun : many ?? `${noun}s`}`;
  },
};
