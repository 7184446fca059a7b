// Filters the list of items. Text comes from cases.js and texts-*.js and is only ever set as text.
"use strict";

const { rows, columns, systems, textFiles } = window.lokalCases;
const PAGE = 100;
const form = document.getElementById("filters");
const list = document.getElementById("found");
const count = document.getElementById("count");
const more = document.getElementById("more");
const at = Object.fromEntries(columns.map((name, place) => [name, place]));
let matches = [];
let shown = 0;
let loading = null;

const texts = [];
const unpacking = [];

// Called by each texts-*.js: gzip of a JSON list, which belongs at this place.
window.lokalText = (start, packed) => unpacking.push(unpack(start, packed));

async function unpack(start, packed) {
  const bytes = Uint8Array.from(atob(packed), (one) => one.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const list = JSON.parse(await new Response(plain).text());
  list.forEach((text, place) => (texts[start + place] = text));
}

function choices() {
  return Object.fromEntries(new FormData(form));
}

// Of one system against another: below 0 is lost; null where one of them has no value.
function change(row, { system, other }) {
  const mine = row[at.values][systems.indexOf(system)];
  const theirs = row[at.values][systems.indexOf(other)];
  return mine === null || theirs === null ? null : mine - theirs;
}

function isWanted(row, number, wanted, needle) {
  if (wanted.region && row[at.region] !== wanted.region) return false;
  if (wanted.suite && row[at.suite] !== wanted.suite) return false;
  if (wanted.category && row[at.category] !== wanted.category) return false;
  if (wanted.change) {
    const by = change(row, wanted);
    const kind = by === null ? "" : by < 0 ? "lost" : by > 0 ? "won" : "same";
    if (kind !== wanted.change) return false;
  }
  const place = systems.indexOf(wanted.system);
  if (wanted.state && row[at.states][place] !== wanted.state) return false;
  const marks = row[at.marks][place];
  if (wanted.mark === "-" ? marks.length > 0 : wanted.mark && !marks.includes(wanted.mark)) return false;
  return !needle || (texts[number] || "").includes(needle);
}

function apply() {
  const wanted = choices();
  const needle = wanted.text.trim().normalize("NFC").toLowerCase();
  if (needle && !loading) {
    loading = Promise.all(textFiles.map(load)).then(() => Promise.all(unpacking)).then(apply);
  }
  const scored = [];
  rows.forEach((row, number) => {
    if (isWanted(row, number, wanted, needle)) scored.push([Math.abs(change(row, wanted) ?? 0), number]);
  });
  scored.sort((one, two) => two[0] - one[0] || one[1] - two[1]);
  matches = scored.map(([, number]) => number);
  list.replaceChildren();
  shown = 0;
  show();
  count.textContent = `${matches.length} of ${rows.length} items`;
  history.replaceState(null, "", "#" + new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)));
}

function show() {
  const next = matches.slice(shown, shown + PAGE);
  list.append(...next.map((number) => line(rows[number])));
  shown += next.length;
  more.hidden = shown >= matches.length;
}

function line(row) {
  const entry = document.createElement("li");
  const link = document.createElement("a");
  link.href = `items/${row[at.page]}.html#${row[at.name]}`;
  link.textContent = row[at.snippet] || "(no text)";
  link.lang = row[at.language];
  link.dir = "auto";
  const facts = document.createElement("small");
  const values = systems.map((name, place) => {
    if (row[at.states][place] === null) return "";
    const value = row[at.values][place];
    const marks = row[at.marks][place].join(", ");
    return `${name} ${value === null ? "–" : Math.round(100 * value)}${marks ? ` (${marks})` : ""}`;
  });
  facts.textContent = [row[at.region], row[at.suite], row[at.category], ...values].filter(Boolean).join(" · ");
  entry.append(link, facts);
  return entry;
}

function load(file) {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = file;
    script.onload = script.onerror = resolve;
    document.head.append(script);
  });
}

for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
  if (form.elements[name]) form.elements[name].value = value;
}
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", show);
apply();
