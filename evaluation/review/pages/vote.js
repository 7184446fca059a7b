// Keys for the voting page, and marks on errors. Replies stay text: nothing is parsed as markup.
"use strict";

const form = document.getElementById("vote");
const undo = document.getElementById("undo");
const shownAt = performance.now();
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
let spans = [];
let sent = false;

function isTyping(target) {
  return target instanceof HTMLTextAreaElement;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape") return document.activeElement.blur();
  if (isTyping(event.target)) return;
  const key = event.key.toLowerCase();
  if (key === "u" && undo) return send(undo);
  if (!form) return;
  const choice = { a: "a", b: "b", c: "c", t: "tie", x: "bad", s: "skip" }[key];
  const button = choice && form.querySelector(`button[value="${choice}"]`);
  if (button) return send(form, button);
  if (key === "m") {
    event.preventDefault();
    return form.elements.comment.focus();
  }
  if (key === "e") return mark();
  const tag = form.querySelectorAll("input[name=tags]")[Number(key) - 1];
  if (tag) tag.checked = !tag.checked;
});

function send(what, button) {
  if (!sent) what.requestSubmit(button);
}

for (const one of [form, undo]) {
  one?.addEventListener("submit", (event) => {
    if (sent) return event.preventDefault(); // a double key or click is one vote
    sent = true;
    if (one === form) {
      form.elements.spans.value = JSON.stringify(spans);
      form.elements.seconds.value = ((performance.now() - shownAt) / 1000).toFixed(1);
    }
  });
}

window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // back: show what is to be voted on now
});

// A span is [side, first, last + 1] in code points of the reply; a chip stands for one.
function mark() {
  const selection = getSelection();
  if (selection.isCollapsed) {
    spans.pop();
    return paint();
  }
  const range = selection.getRangeAt(0);
  const reply = closestReply(range.startContainer);
  if (!reply || reply !== closestReply(range.endContainer)) return;
  const [start, end] = snap(textOf(reply), offset(reply, range.startContainer, range.startOffset), offset(reply, range.endContainer, range.endOffset));
  if (end > start) spans.push([Number(reply.dataset.side), start, end]);
  selection.removeAllRanges();
  paint();
}

function closestReply(node) {
  return (node instanceof Element ? node : node.parentElement).closest(".reply");
}

// Text nodes of the reply with the chips' own words left out; a chip is one character.
function* pieces(node) {
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) yield [child, child.data];
    else if (child.classList.contains("chip")) yield [child, "\u00b7"];
    else yield* pieces(child);
  }
}

function textOf(reply) {
  return [...pieces(reply)].map(([, text]) => text).join("");
}

function offset(reply, container, place) {
  const before = document.createRange();
  before.setStart(reply, 0);
  before.setEnd(container, place);
  const part = document.createElement("div");
  part.append(before.cloneContents());
  return Array.from(textOf(part)).length;
}

// Widen to whole clusters, so that no vowel sign is cut from its letter.
function snap(text, start, end) {
  let at = 0;
  let first = start;
  let last = end;
  for (const { segment } of segmenter.segment(text)) {
    const next = at + Array.from(segment).length;
    if (at < start && start < next) first = at;
    if (at < end && end < next) last = next;
    at = next;
  }
  return [first, last];
}

function paint() {
  for (const reply of document.querySelectorAll(".reply")) {
    for (const old of reply.querySelectorAll("mark")) old.replaceWith(...old.childNodes);
    reply.normalize();
    const own = spans.filter(([side]) => side === Number(reply.dataset.side));
    for (const [, start, end] of own) underline(reply, start, end);
  }
}

function underline(reply, start, end) {
  let at = 0;
  for (const [node, text] of [...pieces(reply)]) {
    const characters = Array.from(text);
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, characters.length);
    at += characters.length;
    if (from >= to) continue;
    const range = document.createRange();
    if (node.nodeType === Node.TEXT_NODE) {
      range.setStart(node, characters.slice(0, from).join("").length);
      range.setEnd(node, characters.slice(0, to).join("").length);
    } else {
      range.selectNode(node);
    }
    const wrap = document.createElement("mark");
    wrap.append(range.extractContents());
    range.insertNode(wrap);
  }
}
