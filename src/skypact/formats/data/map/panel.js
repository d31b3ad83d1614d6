// The lists beside the map. All text from data is put in as text, never as markup.
'use strict';

/** An element with attributes and children; strings become text. */
function element(name, attributes = {}, ...children) {
  const out = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'text') out.textContent = value;
    else if (key.startsWith('on')) out.addEventListener(key.slice(2), value);
    else out.setAttribute(key, value === true ? '' : value);
  }
  out.append(...children.filter((child) => child !== null && child !== undefined));
  return out;
}

const KIND_TEXT = {
  loss: 'Inside minima', encounter: 'Predicted inside minima', conflict: 'Conflict', entry: 'Zone entry', outside: 'Outside its volumes',
};
const PAGE = 250;

function chip(party) {
  const out = element('span', { class: 'chip', 'aria-hidden': 'true' });
  out.dataset.party = party;
  out.style.background = partyColour(party);
  return out;
}

function recolourChips() {
  for (const one of document.querySelectorAll('[data-party]')) one.style.background = partyColour(Number(one.dataset.party));
}

function whoText(side) {
  const parts = [KINDS[side.kind]];
  parts.push(say.party(side.party));
  if (DATA.sources.length > 1 && DATA.sources[side.source]) parts.push(DATA.sources[side.source]);
  return parts.join(', ');
}

function matches(words, ...texts) {
  const all = texts.join(' ').toLowerCase();
  return words.every((word) => all.includes(word));
}

function facts(...pairs) {
  const out = element('dl');
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === '') continue;
    out.append(element('dt', {}, name), element('dd', {}, value));
  }
  return out;
}

/** A list that shows its first rows and offers the rest; with a field to search it where it is long. */
function searchable(list, rows, make, noun) {
  const holder = element('ol');
  const more = element('button', { type: 'button', class: 'more', hidden: true });
  let limit = PAGE;
  let words = [];
  const draw = () => {
    const found = rows.filter((row) => matches(words, row.search));
    holder.replaceChildren(...found.slice(0, limit).map(make));
    more.hidden = found.length <= limit;
    more.textContent = `Show ${Math.min(PAGE, found.length - limit)} more of ${found.length.toLocaleString('en')}`;
  };
  more.addEventListener('click', () => { limit += PAGE; draw(); });
  if (rows.length > 8) {
    const input = element('input', { type: 'search', placeholder: `Search ${noun}`, 'aria-label': `Search ${noun}` });
    input.addEventListener('input', () => {
      words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      limit = PAGE;
      draw();
    });
    list.append(element('div', { class: 'find' }, input));
  }
  list.append(holder, more);
  draw();
  return { draw, reveal(n) { if (n >= limit || words.length) { limit = Math.max(limit, n + 1); words = []; draw(); } } };
}

const panel = {
  tabs: [],
  open: 0,
  detail: null,
  findings: null,

  build(actions) {
    this.actions = actions;
    const lists = document.getElementById('lists');
    const tabs = document.getElementById('tabs');
    const make = [
      ['Findings', DATA.findingsTotal, () => this.listFindings()],
      ['Unchecked', DATA.uncheckedTotal, () => this.listUnchecked()],
      ['Unobserved', DATA.unobservedTotal, () => this.listUnobserved()],
      ['Things', null, () => this.listThings()],
      ['Basis', null, () => this.listBasis()],
    ];
    make.forEach(([name, count, fill], n) => {
      const list = element('div', { class: 'list', role: 'tabpanel', id: `list-${n}`, 'aria-labelledby': `tab-${n}`, hidden: n > 0 });
      this.target = list;
      fill();
      lists.append(list);
      const tab = element('button', { type: 'button', role: 'tab', id: `tab-${n}`, 'aria-controls': `list-${n}`, 'aria-selected': n === 0 ? 'true' : 'false', tabindex: n === 0 ? '0' : '-1' },
        element('b', {}, count === null ? '' : count.toLocaleString('en')), name);
      tab.addEventListener('click', () => this.show(n));
      tab.addEventListener('keydown', (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        this.show((n + step + make.length) % make.length);
        this.tabs[this.open].tab.focus();
      });
      tabs.append(tab);
      this.tabs.push({ tab, list });
    });
  },

  show(n) {
    this.open = n;
    this.tabs.forEach(({ tab, list }, k) => {
      tab.setAttribute('aria-selected', k === n ? 'true' : 'false');
      tab.tabIndex = k === n ? 0 : -1;
      list.hidden = k !== n;
    });
    document.getElementById('lists').scrollTop = 0;
    if (n === 3) this.updateThings(true);
  },

  note(text, plain) {
    this.target.append(element('p', { class: plain ? 'plain' : 'note' }, text));
  },

  listFindings() {
    const list = this.target;
    if (!DATA.findings.length) {
      this.note(DATA.statement, true);
      this.note('This is not a clearance. What was not checked and what was not observed stands beside this list.');
      this.assumptions();
      return;
    }
    this.note('Most urgent first. Choose one to see its closest point.');
    const rows = DATA.findings.map((f, n) => ({
      n, f, search: [f.a.id, f.b.id, say.party(f.a.party), say.party(f.b.party), KIND_TEXT[f.kind], f.kind, f.rule, f.marginal ? 'marginal' : '', f.agreed ? 'agreed' : ''].join(' ').toLowerCase(),
    }));
    this.findings = searchable(list, rows, (row) => this.findingRow(row), 'findings');
    this.leftOutNote('findings');
  },

  /** Says what of a list has no room on the page. */
  leftOutNote(what) {
    for (const [sort, text] of DATA.leftOut) if (sort === what) this.note(text);
  },

  findingRow({ n, f }) {
    const open = n === chosen.selected;
    const who = element('span', { class: 'who' }, chip(f.a.party), f.a.id);
    if (f.kind !== 'outside') who.append(element('i', {}, f.kind === 'entry' ? ' enters ' : ' × '), chip(f.b.party), f.b.id);
    const what = element('span', { class: 'what' },
      element('span', {}, f.basis === 'predicted' && f.kind === 'entry' ? 'Predicted zone entry' : KIND_TEXT[f.kind]),
      element('span', {}, say.moment(f.kind === 'entry' ? f.start : f.closest)),
      element('span', { class: 'near' }, nearText(f)),
      f.marginal ? element('span', { class: 'mark' }, 'marginal') : null,
      f.agreed ? element('span', { class: 'mark' }, 'agreed proximity') : null);
    const row = element('button', { type: 'button', class: 'entry', id: `finding-${n}`, 'aria-expanded': open ? 'true' : 'false', onclick: () => this.actions.select(n === chosen.selected ? -1 : n) }, who, what);
    const item = element('li', { class: f.agreed ? 'agreed' : null }, row);
    if (open) item.append(this.findingDetail(f));
    return item;
  },

  findingDetail(f) {
    const then = element('p', { class: 'then' });
    const side = (s) => element('span', {}, `${s.id} (${whoText(s)})`);
    const inMinima = { loss: 'From – to', encounter: 'From – to', conflict: 'From – to', entry: 'Inside', outside: 'Outside' }[f.kind];
    const zone = f.b.is && f.b.is[0] === 'zone' ? zones[f.b.is[1]] : null;
    const near = f.kind === 'entry' || f.kind === 'outside' ? null
      : [f.horizontal === null ? 'horizontal distance not known' : `${say.both(f.horizontal, true)} horizontally`,
        f.vertical === null ? 'vertical distance not known' : `${say.both(f.vertical, false)} vertically`].join(', ');
    const list = facts(
      ['A', side(f.a)],
      ['B', side(f.b)],
      ['Closest', `${say.time(f.closest, true)}${near ? `: ${near}` : ''}`],
      [inMinima, say.window(f.start, f.end)],
      ['Rule', f.rule],
      ['Short by', f.margin !== null && f.margin < 0 && f.minima[0] > 0 ? `${say.both(-f.margin, Math.abs(-f.margin) > f.minima[1])}; that much more, and the pair would be separated` : null],
      ['Place of A', f.a.at ? `${say.place(...f.a.at)}${f.a.altitude === undefined || f.a.altitude === null ? '' : `, ${say.altitude(f.a.altitude, f.a.reference ?? -1)}`}` : null],
      ['Effect', zone ? zone.effect || f.effect : f.effect],
      ...(zone ? recognition(zone) : [['Standing', f.standing]]),
    );
    const box = element('div', { class: 'detail' }, then, list);
    const drawn = charts(f, (t) => this.actions.setTime(t, true));
    box.append(...drawn.figures);
    if (f.marginal) box.append(element('p', { class: 'notice' }, 'Marginal: without the error bound that the check adds, this would not be a finding.'));
    if (f.agreed) box.append(element('p', { class: 'notice' }, 'Covered by an agreed proximity until it expires: shown, not alarmed.'));
    if (f.basis === 'predicted') box.append(element('p', { class: 'notice' }, 'Predicted: both are taken to fly straight on as they were last seen.'));
    this.detail = { f, then, drawn };
    requestAnimationFrame(() => this.updateDetail());
    return box;
  },

  updateDetail() {
    if (!this.detail || chosen.selected < 0) return;
    const { f, then, drawn } = this.detail;
    const now = apartNow(f);
    if (Math.abs(chosen.t - f.closest) < 1) then.textContent = `At the closest point, ${say.time(f.closest)}: ${nearText(f)}`;
    else if (now) then.textContent = `At ${say.time(chosen.t)}: ${say.horizontal(now.horizontal)} · ${now.same ? say.vertical(now.vertical) : 'heights not comparable'}`;
    else then.textContent = `At ${say.time(chosen.t)}`;
    drawn.update();
  },

  selected() {
    this.detail = null;
    if (!this.findings) return;
    if (chosen.selected >= 0) {
      if (this.open !== 0) this.show(0);
      this.findings.reveal(chosen.selected);
    }
    this.findings.draw();
    if (chosen.selected >= 0) {
      const row = document.getElementById(`finding-${chosen.selected}`);
      if (row) {
        row.parentElement.scrollIntoView({ block: 'nearest' });
        if (document.activeElement === document.body) row.focus({ preventScroll: true });
      }
    }
  },

  listUnchecked() {
    if (!DATA.unchecked.length && !DATA.uncheckedTotal) {
      this.note('No pair was left undecided.', true);
      return;
    }
    this.note('These pairs were not decided. They may or may not have met.', true);
    this.leftOutNote('unchecked');
    const rows = DATA.unchecked.map((u) => ({ u, search: [u.a.id, u.b.id, u.reason].join(' ').toLowerCase() }));
    searchable(this.target, rows, ({ u }) => element('li', {}, element('button', { type: 'button', class: 'entry', onclick: () => u.start !== null && this.actions.setTime(u.start, true) },
      element('span', { class: 'who' }, chip(u.a.party), u.a.id, element('i', {}, ' × '), chip(u.b.party), u.b.id),
      element('span', { class: 'what' }, element('span', {}, u.reason), element('span', {}, say.window(u.start, u.end))))), 'pairs');
  },

  listUnobserved() {
    if (!DATA.unobserved.length) {
      this.note('No stretch of a track was without a sample for longer than the greatest gap.', true);
      return;
    }
    this.note('Nobody saw where these were. They are drawn as dots, and nothing was checked there.', true);
    this.leftOutNote('unobserved');
    const rows = DATA.unobserved.map((u) => ({ u, search: u.who.id.toLowerCase() }));
    searchable(this.target, rows, ({ u }) => element('li', {}, element('button', { type: 'button', class: 'entry', onclick: () => this.actions.showGap(u) },
      element('span', { class: 'who' }, chip(u.who.party), u.who.id),
      element('span', { class: 'what' }, element('span', {}, say.window(u.start, u.end)),
        u.stale ? element('span', {}, 'last seen too long ago to predict from') : null))), 'tracks');
  },

  listThings() {
    const list = this.target;
    if (zones.length) {
      list.append(element('h2', {}, say.count(zones.length, 'zone')));
      const rows = zones.map((zone, n) => ({ zone, n, search: [zone.id, zone.effect, say.party(zone.party)].join(' ').toLowerCase() }));
      searchable(list, rows, ({ zone, n }) => element('li', {}, element('button', { type: 'button', class: 'entry', onclick: () => this.actions.focus(['zone', n]) },
        element('span', { class: 'who' }, chip(zone.party), zone.id),
        element('span', { class: 'what' }, zoneSummary(zone))),
      element('div', { class: 'facts-holder' }, zoneFacts(zone))), 'zones');
    }
    if (volumes.length) {
      list.append(element('h2', {}, say.count(volumes.length, 'volume')));
      const rows = volumes.map((volume, n) => ({ volume, n, search: [volume.id, say.party(volume.party)].join(' ').toLowerCase() }));
      searchable(list, rows, ({ volume, n }) => element('li', {}, element('button', { type: 'button', class: 'entry', onclick: () => this.actions.focus(['volume', n]) },
        element('span', { class: 'who' }, chip(volume.party), volume.id),
        element('span', { class: 'what' }, element('span', {}, heights(volume)), element('span', {}, say.window(volume.start, volume.end))))), 'volumes');
    }
    if (moving.n) {
      this.thingsTitle = element('h2');
      this.thingsBody = element('tbody');
      this.thingsWords = [];
      const input = element('input', { type: 'search', placeholder: 'Search tracks', 'aria-label': 'Search tracks' });
      input.addEventListener('input', () => {
        this.thingsWords = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        this.updateThings(true);
      });
      list.append(this.thingsTitle, moving.n > 8 ? element('div', { class: 'find' }, input) : null ?? '',
        element('table', {}, element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'Who and where'), element('th', { scope: 'col', class: 'n' }, 'Altitude'), element('th', { scope: 'col', class: 'n' }, 'Speed'))), this.thingsBody));
    }
    if (!zones.length && !volumes.length && !moving.n) this.note('Nothing was read that could be drawn.', true);
  },

  updateThings(force) {
    if (!this.thingsBody || this.open !== 3) return;
    const nowMs = performance.now();
    if (!force && nowMs - (this.thingsDrawn ?? 0) < 250) return;
    this.thingsDrawn = nowMs;
    this.thingsTitle.textContent = `${say.count(present.length, 'thing')} at ${say.time(chosen.t)}, of ${moving.n.toLocaleString('en')}`;
    const rows = present.filter(({ i }) => matches(this.thingsWords, moving.id[i].toLowerCase(), say.party(moving.party[i]).toLowerCase())).slice(0, 200);
    const active = document.activeElement?.dataset?.thing;
    this.thingsBody.replaceChildren(...rows.map(({ i, place }) => {
      const name = element('button', { type: 'button', 'data-thing': String(i), onclick: () => this.actions.focus(['moving', i]) }, chip(moving.party[i]), moving.id[i]);
      return element('tr', {}, element('td', {}, name, element('small', {}, place.unseen ? `last seen ${say.time(place.seen)}` : say.place(place.lat, place.lng))),
        element('td', { class: 'n' }, place.unseen ? 'not observed' : moving.kind[i] === GROUND ? 'ground' : say.altitude(place.altitude, moving.reference[i])),
        element('td', { class: 'n' }, place.unseen ? '–' : say.speed(place.speed)));
    }));
    if (active) this.thingsBody.querySelector(`[data-thing="${Number(active)}"]`)?.focus();
  },

  assumptions() {
    if (!DATA.assumptions.length) return;
    const box = facts(...DATA.assumptions);
    box.className = 'facts';
    this.target.append(element('h2', {}, 'Assumptions'), box);
  },

  listBasis() {
    const list = this.target;
    this.note('What is listed holds under these assumptions, for these inputs, and for nothing else. It is not a clearance.', true);
    const heading = (text) => list.append(element('h2', {}, text));
    const bullets = (texts) => list.append(element('ul', {}, ...texts.map((text) => element('li', {}, text))));
    this.assumptions();
    if (DATA.pacts.length) {
      heading(DATA.pacts.length === 1 ? 'Pact' : 'Pacts');
      bullets(DATA.pacts);
    }
    heading(say.count(DATA.inputs.length, 'input'));
    for (const input of DATA.inputs) {
      const counts = input.counts.map(([noun, n]) => `${noun} ${n.toLocaleString('en')}`).join(', ');
      bullets([`${input.path} (${input.format})${counts ? `: ${counts}` : ''}`, ...input.ignored.map((text) => `Left out: ${text}`)]);
    }
    if (DATA.notes.length) {
      heading('Notes');
      bullets(DATA.notes);
    }
    heading('This drawing');
    bullets([
      ...DATA.drawing,
      ...DATA.leftOut.map(([, text]) => text),
      'Between samples a thing is drawn moving evenly along the shortest way. Unobserved stretches are dots.',
      `The plane is azimuthal and equidistant about ${say.place(...DATA.centre)}. The scale bar is right in the middle of the view.`,
      'Coasts and borders are from Natural Earth (public domain), good to about a kilometre, drawn as that source draws them; no position is taken on whose they are. Place names are from GeoNames (CC BY 4.0).',
      `Made by Skypact ${DATA.version}. This file asks for nothing from any network.`,
    ]);
    heading('Keys');
    bullets([document.getElementById('keys').textContent.replace(/\s+/g, ' ')]);
  },
};

function heights(shape) {
  return `${say.limit(shape.lower, shape.lowerReference, 'no floor')} to ${say.limit(shape.upper, shape.upperReference, 'no ceiling')}`;
}

function recognition(zone) {
  if (zone.declared === undefined) return [['Declared by', zone.party < 0 ? 'not stated' : say.party(zone.party)], ['Recognised by', 'not stated in this file']];
  const said = zone.stances;
  return [
    ['Declared by', zone.declared || 'nobody named'],
    ['Recognised by', said.recognised.join(', ') || 'nobody, in this pact'],
    ['Rejected by', said.rejected.join(', ')],
    ['Reserved by', said.reserved.join(', ')],
    ['No word from', said.silent.join(', ')],
  ].filter(([, text]) => text);
}

function zoneSummary(zone) {
  return element('span', {}, zone.effect || 'effect not stated');
}

function zoneFacts(zone) {
  const box = facts(['Name', zone.name], ...recognition(zone), ['Applies to', zone.applies.join(', ') || 'nothing'], ['Height', heights(zone)], ['In force', say.window(zone.start, zone.end)], ['Note', zone.note]);
  box.className = 'facts';
  return box;
}
