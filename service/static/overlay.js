"use strict";
// The underlines: a copy of the note behind the text area, its words invisible, its findings coloured. The text area itself is never touched.
const LONG = ["step", "objection-open", "objection-resolved", "funds"];

// Findings of the older text carried to the newer one: what stands before or behind the change keeps its words, what it touched goes.
function carried(found, before, after) {
  const shared = Math.min(before.length, after.length);
  let head = 0, tail = 0;
  while (head < shared && before[head] === after[head]) head++;
  while (tail < shared - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const shift = after.length - before.length;
  return found.flatMap((f) => {
    if (f.end <= head) return [f];
    return f.start >= before.length - tail ? [{ ...f, start: f.start + shift, end: f.end + shift }] : [];
  });
}

class Overlay {
  constructor(backdrop) {
    this.backdrop = backdrop;
    this.characters = [];
    this.found = [];
    this.seen = [];
    this.drawing = "";
  }

  // Draw the findings; `seen` are places to point out on top of them. Most answers change no place: then nothing is drawn anew.
  paint(characters, found, seen = []) {
    Object.assign(this, { characters, found, seen });
    const drawing = JSON.stringify([characters.join(""), found.map((f) => [f.cls, f.start, f.end]), seen.map((s) => [s.start, s.end])]);
    if (drawing === this.drawing) return;
    this.drawing = drawing;
    const cuts = new Set([0, characters.length]);
    for (const f of [...found, ...seen]) cuts.add(f.start).add(f.end);
    const edges = [...cuts].sort((a, b) => a - b);
    const parts = [];
    for (let i = 0; i + 1 < edges.length; i++) {
      const [start, end] = [edges[i], edges[i + 1]];
      const here = found.filter((f) => f.start <= start && f.end >= end).sort((x, y) => x.end - x.start - (y.end - y.start));
      const pointed = seen.some((s) => s.start <= start && s.end >= end);
      parts.push(this.#part(characters.slice(start, end).join(""), here, pointed));
    }
    this.backdrop.replaceChildren(...parts, "\n");
  }

  // A long finding is underlined low, a short one inside it high and tinted: both stay visible.
  #part(text, here, pointed) {
    if (!here.length && !pointed) return document.createTextNode(text);
    const short = here.find((f) => !LONG.includes(f.cls)), long = here.find((f) => LONG.includes(f.cls));
    let node = document.createTextNode(text);
    for (const f of [short, long]) {
      if (!f) continue;
      const mark = element("mark", f.cls);
      mark.append(node);
      node = mark;
    }
    if (pointed) {
      const mark = element("mark", "seen");
      mark.append(node);
      node = mark;
    }
    node.dataset.found = here.map((f) => this.found.indexOf(f)).join(" ");
    return node;
  }

  point(seen) {
    this.paint(this.characters, this.found, seen);
  }

  // The findings drawn under a point of the window, the shortest first, and the box of the words.
  at(x, y) {
    for (const node of this.backdrop.querySelectorAll("[data-found]")) {
      const box = [...node.getClientRects()].find((r) => x >= r.left && x <= r.right && y >= r.top - 4 && y <= r.bottom + 8);
      if (box && node.dataset.found) return { found: node.dataset.found.split(" ").map((i) => this.found[i]), box };
    }
    return null;
  }
}
