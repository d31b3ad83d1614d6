// The earth, as far as this page needs it: distances and circles on the WGS 84 ellipsoid (Vincenty 1975), and one plane, the
// azimuthal equidistant projection of a sphere (Snyder, USGS PP 1395, eqs. 25-2 to 25-4). Metres, degrees; north is up.
'use strict';

const SPHERE_M = 6371008.8;
const WGS84_A = 6378137;
const WGS84_F = 1 / 298.257223563;
const WGS84_B = WGS84_A * (1 - WGS84_F);
const RAD = Math.PI / 180;

function reducedAngle(degrees) {
  return Math.atan((1 - WGS84_F) * Math.tan(degrees * RAD));
}

/** Shortest distance in metres and the direction of departure in degrees. Nearly opposite points: a sphere's answer. */
function geodesicBetween(lat1, lng1, lat2, lng2) {
  const u1 = reducedAngle(lat1);
  const u2 = reducedAngle(lat2);
  const [su1, cu1, su2, cu2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  let away = (lng2 - lng1) * RAD;
  away = Math.atan2(Math.sin(away), Math.cos(away));
  let lambda = away;
  for (let round = 0; round < 60; round++) {
    const [sl, cl] = [Math.sin(lambda), Math.cos(lambda)];
    const sine = Math.hypot(cu2 * sl, cu1 * su2 - su1 * cu2 * cl);
    if (sine === 0) return { metres: 0, bearing: 0 };
    const cosine = su1 * su2 + cu1 * cu2 * cl;
    const sigma = Math.atan2(sine, cosine);
    const sinAlpha = cu1 * cu2 * sl / sine;
    const cos2Alpha = 1 - sinAlpha * sinAlpha;
    const middle = cos2Alpha === 0 ? 0 : cosine - 2 * su1 * su2 / cos2Alpha;
    const c = WGS84_F / 16 * cos2Alpha * (4 + WGS84_F * (4 - 3 * cos2Alpha));
    const next = away + (1 - c) * WGS84_F * sinAlpha
      * (sigma + c * sine * (middle + c * cosine * (2 * middle * middle - 1)));
    const moved = Math.abs(next - lambda);
    lambda = next;
    if (moved < 1e-12) {
      const k2 = cos2Alpha * (WGS84_A * WGS84_A / (WGS84_B * WGS84_B) - 1);
      const big = 1 + k2 / 16384 * (4096 + k2 * (-768 + k2 * (320 - 175 * k2)));
      const small = k2 / 1024 * (256 + k2 * (-128 + k2 * (74 - 47 * k2)));
      const less = small * sine * (middle + small / 4 * (cosine * (2 * middle * middle - 1)
        - small / 6 * middle * (4 * sine * sine - 3) * (4 * middle * middle - 3)));
      const bearing = Math.atan2(cu2 * Math.sin(lambda), cu1 * su2 - su1 * cu2 * Math.cos(lambda)) / RAD;
      return { metres: WGS84_B * big * (sigma - less), bearing: (bearing + 360) % 360 };
    }
  }
  const plane = new Plane(lat1, lng1);
  const [x, y] = plane.forward(lat2, lng2);
  return { metres: Math.hypot(x, y), bearing: (Math.atan2(x, y) / RAD + 360) % 360 };
}

/** Where a geodesic of so many metres in this direction (degrees) ends: [lat, lng]. */
function geodesicFrom(lat, lng, bearing, metres) {
  const u = reducedAngle(lat);
  const [su, cu] = [Math.sin(u), Math.cos(u)];
  const [sa, ca] = [Math.sin(bearing * RAD), Math.cos(bearing * RAD)];
  const sigma1 = Math.atan2(su, cu * ca);
  const sinAlpha = cu * sa;
  const cos2Alpha = 1 - sinAlpha * sinAlpha;
  const k2 = cos2Alpha * (WGS84_A * WGS84_A / (WGS84_B * WGS84_B) - 1);
  const big = 1 + k2 / 16384 * (4096 + k2 * (-768 + k2 * (320 - 175 * k2)));
  const small = k2 / 1024 * (256 + k2 * (-128 + k2 * (74 - 47 * k2)));
  const first = metres / (WGS84_B * big);
  let sigma = first;
  let middle = 0;
  for (let round = 0; round < 40; round++) {
    middle = Math.cos(2 * sigma1 + sigma);
    const [ss, cs] = [Math.sin(sigma), Math.cos(sigma)];
    const next = first + small * ss * (middle + small / 4 * (cs * (2 * middle * middle - 1)
      - small / 6 * middle * (4 * ss * ss - 3) * (4 * middle * middle - 3)));
    const moved = Math.abs(next - sigma);
    sigma = next;
    if (moved < 1e-13) break;
  }
  middle = Math.cos(2 * sigma1 + sigma);
  const [ss, cs] = [Math.sin(sigma), Math.cos(sigma)];
  const across = su * ss - cu * cs * ca;
  const lat2 = Math.atan2(su * cs + cu * ss * ca, (1 - WGS84_F) * Math.hypot(sinAlpha, across));
  const lambda = Math.atan2(ss * sa, cu * cs - su * ss * ca);
  const c = WGS84_F / 16 * cos2Alpha * (4 + WGS84_F * (4 - 3 * cos2Alpha));
  const east = lambda - (1 - c) * WGS84_F * sinAlpha
    * (sigma + c * ss * (middle + c * cs * (2 * middle * middle - 1)));
  return [lat2 / RAD, wrapped(lng + east / RAD)];
}

function wrapped(lng) {
  return ((lng + 180) % 360 + 360) % 360 - 180;
}

/** The plane everything is drawn in: metres east and north of a centre. */
class Plane {
  constructor(lat, lng) {
    this.lng = lng;
    this.sin = Math.sin(lat * RAD);
    this.cos = Math.cos(lat * RAD);
  }

  forward(lat, lng) {
    const [sp, cp] = [Math.sin(lat * RAD), Math.cos(lat * RAD)];
    const east = (lng - this.lng) * RAD;
    const x = cp * Math.sin(east);
    const y = this.cos * sp - this.sin * cp * Math.cos(east);
    const z = this.sin * sp + this.cos * cp * Math.cos(east);
    const flat = Math.hypot(x, y);
    const scale = flat === 0 ? SPHERE_M : SPHERE_M * Math.atan2(flat, z) / flat;
    return [x * scale, y * scale];
  }

  inverse(x, y) {
    const far = Math.hypot(x, y);
    if (far === 0) return [Math.asin(this.sin) / RAD, this.lng];
    const c = far / SPHERE_M;
    const [sc, cc] = [Math.sin(c), Math.cos(c)];
    const lat = Math.asin(Math.max(-1, Math.min(1, cc * this.sin + y * sc * this.cos / far)));
    const east = Math.atan2(x * sc, far * this.cos * cc - y * this.sin * sc);
    return [lat / RAD, wrapped(this.lng + east / RAD)];
  }
}

/** A point on the great circle from one position to another, at a part of the way (0 to 1): [lat, lng]. */
function between(lat1, lng1, lat2, lng2, part) {
  if (part <= 0 || (lat1 === lat2 && lng1 === lng2)) return [lat1, lng1];
  if (part >= 1) return [lat2, lng2];
  const [c1, c2] = [Math.cos(lat1 * RAD), Math.cos(lat2 * RAD)];
  const [a1, a2] = [lng1 * RAD, lng2 * RAD];
  const x = (1 - part) * c1 * Math.cos(a1) + part * c2 * Math.cos(a2);
  const y = (1 - part) * c1 * Math.sin(a1) + part * c2 * Math.sin(a2);
  const z = (1 - part) * Math.sin(lat1 * RAD) + part * Math.sin(lat2 * RAD);
  return [Math.atan2(z, Math.hypot(x, y)) / RAD, Math.atan2(y, x) / RAD];
}

/** Whole numbers from base64 of zigzag variable-length integers, seven bits a byte, least first. */
function integers(text) {
  const bytes = atob(text);
  const out = new Float64Array(bytes.length);
  let size = 0;
  for (let at = 0; at < bytes.length;) {
    let value = 0;
    let weight = 1;
    let byte = 0;
    do {
      byte = bytes.charCodeAt(at++);
      value += (byte & 127) * weight;
      weight *= 128;
    } while (byte & 128);
    out[size++] = value % 2 ? -(value + 1) / 2 : value / 2;
  }
  return out.subarray(0, size);
}

/** Values from their differences, times a step. */
function running(text, step) {
  const out = integers(text);
  let sum = 0;
  for (let k = 0; k < out.length; k++) {
    sum += out[k];
    out[k] = sum * step;
  }
  return out;
}
