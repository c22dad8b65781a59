"use strict";
// The rep's page: sends the draft after a pause in typing, shows what comes back. Keeps nothing, stores nothing.
const $ = (id) => document.getElementById(id);
const note = $("note"), paper = $("paper"), card = $("card");
const words = JSON.parse($("words").textContent);
const overlay = new Overlay($("backdrop"));
let shown = null; // { characters, found } of the last answer, moved along with what is typed since
let disputed = []; // what the rep marked as wrong in this draft: { kind, label, quote }

const isDisputed = (f) => marked(disputed, f);

function underline(seen = []) {
  if (shown) overlay.paint(shown.characters, shown.found.filter((f) => !isDisputed(f)), seen);
}

function select(place) {
  note.focus();
  note.setSelectionRange(...units(shown.characters, place.start, place.end));
}

function dispute(f, wrong) {
  disputed = disputed.filter((d) => d !== isDisputed(f));
  if (wrong) disputed.push({ kind: f.kind, label: f.what, quote: f.quote });
  hideCard();
  underline();
  listFindings();
}

function button(className, text, act) {
  const node = element("button", className, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

// Pointing at something on the right shows its places in the text, by mouse or keyboard.
function pointsAt(node, places) {
  for (const name of ["pointerenter", "focusin"]) node.addEventListener(name, () => underline(places));
  for (const name of ["pointerleave", "focusout"]) node.addEventListener(name, () => underline());
}

function described(f) {
  const lines = [element("strong", `what ${f.cls}`, f.what)];
  if (f.review) lines[0].append(element("span", "review", "存疑"));
  lines.push(element("span", "why", f.why.map((w) => `${w}。`).join("")));
  return lines;
}

function listFindings() {
  $("nothing").hidden = shown.found.length > 0;
  const wrong = shown.found.filter(isDisputed).length;
  $("disputed").hidden = wrong === 0;
  $("disputed").textContent = `已标记 ${wrong} 处不对。得分没有跟着重算；${$("submit") ? "保存记录时，标记一起交给培训师。" : "标记只留在这一页，关掉就没有了。"}`;
  $("findings").replaceChildren(...shown.found.map((f) => {
    const item = element("li", isDisputed(f) ? "wrong" : "");
    const main = button("found", undefined, () => select(f));
    main.append(element("q", "quote", f.quote), ...described(f));
    const act = isDisputed(f) ? button("mend", "撤销", () => dispute(f, false)) : button("mend", disputeText(f, words), () => dispute(f, true));
    act.setAttribute("aria-label", `${act.textContent}：${f.quote}`);
    item.append(main, act);
    if (isDisputed(f)) item.append(element("span", "flag", "已标记"));
    pointsAt(main, [f]);
    return item;
  }));
}

// The card at a finding in the text: what it is, why, and one tap to say that it is not. It stays while the pointer is on it; Escape closes it.
let cardTimer = 0;
function cardSoon(act, ms) {
  clearTimeout(cardTimer);
  cardTimer = setTimeout(act, ms);
}

function showCard({ found, box }) {
  card.replaceChildren(...found.slice(0, 3).map((f) => {
    const row = element("div", "row");
    row.append(...described(f), button("mend", disputeText(f, words), () => dispute(f, true)));
    return row;
  }));
  card.hidden = false;
  const sheet = paper.getBoundingClientRect();
  card.style.left = `${Math.max(4, Math.min(box.left - sheet.left, sheet.width - card.offsetWidth - 4))}px`;
  card.style.top = `${box.bottom - sheet.top + 5}px`;
}

function hideCard() {
  clearTimeout(cardTimer);
  card.hidden = true;
}

// A long note has some hundred findings: the score and the underlines are painted first, the list below them in the next task.
let listing = 0;
function listSoon() {
  cancelAnimationFrame(listing);
  listing = requestAnimationFrame(() => setTimeout(() => { if (shown) listFindings(); }));
}

function showScore(a) {
  const { score, grade } = a.quality, before = Number($("score").textContent), first = $("result").hidden;
  $("delta").textContent = first || score === before ? "" : score > before ? `+${score - before}` : `−${before - score}`;
  $("delta").className = score > before ? "up" : "down";
  $("score").textContent = score;
  $("grade").textContent = grade;
  const most = addition(a, words);
  $("most").textContent = most ? most.text : "十项都写到位了";
  $("gain").textContent = most ? `+${most.points}` : "";
  $("most-advice").textContent = most ? most.advice : "";
  announce(`${score} 分，${grade}。${most ? `${most.text}，加 ${most.points} 分。` : ""}`);
}

// Screen readers hear the score once the rep has stopped for a while, and only when it is another one.
let announceTimer = 0;
function announce(text) {
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => { if ($("live").textContent !== text) $("live").textContent = text; }, 1200);
}

function showDimensions(a) {
  for (const d of a.quality.dimensions) {
    const row = document.querySelector(`#dimensions li[data-id="${d.id}"]`), head = row.querySelector("button");
    row.dataset.level = d.level;
    row.querySelector("b").textContent = (d.weight * d.level) / 2;
    row.querySelector(".weight").textContent = d.weight;
    row.querySelector(".level").textContent = words.level[d.level];
    const quotes = d.evidence.slice(0, 2).map((e) => `“${shown.characters.slice(e.start, e.end).join("")}”`).join(" ");
    row.querySelector(".quotes").textContent = quotes;
    row.querySelector(".advice").textContent = d.advice ?? "";
    head.places = d.evidence;
  }
}

function showQuestions(a) {
  $("questions").replaceChildren(...a.questions.map((q) => {
    const item = element("li");
    const ask = element("span", "ask", q.text);
    item.append(ask, element("small", "", q.why), button("open", `接着写：${words.opening[q.id]}…`, () => appendOpening(note, words.opening[q.id])));
    pointsAt(item, q.evidence);
    return item;
  }));
}

function reveal(analyzed) {
  for (const id of ["summary", "ask", "result"]) $(id).hidden = !analyzed;
  $("empty").hidden = analyzed;
}

function show(a, text) {
  const characters = Array.from(text);
  shown = { characters, found: findings(a, words) };
  $("status").textContent = "";
  underline();
  showScore(a);
  $("kind").textContent = `${words.kind[a.kind.label]}，${likelihood(a.kind.probability)}${a.kind.needs_review ? "（存疑）" : ""}`;
  $("outcome").textContent = words.outcome[a.outcome.label];
  $("kp").textContent = words.kp_status[a.kp.status];
  $("warnings").textContent = a.kp.warnings.join("；");
  showDimensions(a);
  showQuestions(a);
  reveal(true);
  listSoon();
}

function clear() {
  shown = null;
  if (!note.value.trim()) disputed = [];
  overlay.paint(Array.from(note.value), []);
  $("status").textContent = "";
  reveal(false);
}

// Until the next answer is there, the findings move with their words.
note.addEventListener("input", () => {
  const characters = Array.from(note.value);
  $("count").textContent = note.value ? `${characters.length} 字` : "";
  hideCard();
  if (shown) {
    shown = { ...shown, characters, found: carried(shown.found, shown.characters, characters) };
    underline();
  } else overlay.paint(characters, []);
});

note.addEventListener("pointermove", (event) => {
  if (event.pointerType !== "mouse") return;
  const hit = event.buttons ? null : overlay.at(event.clientX, event.clientY);
  if (hit) cardSoon(() => showCard(hit), 150);
  else if (!card.hidden) cardSoon(hideCard, 250);
  else clearTimeout(cardTimer);
});
note.addEventListener("click", (event) => {
  const hit = note.selectionStart === note.selectionEnd && overlay.at(event.clientX, event.clientY);
  if (hit) showCard(hit);
  else hideCard();
});
paper.addEventListener("pointerleave", () => cardSoon(hideCard, 250));
card.addEventListener("pointerenter", () => clearTimeout(cardTimer));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideCard(); });
for (const head of document.querySelectorAll("#dimensions button")) {
  head.addEventListener("click", () => { if (head.places?.length) select(head.places[0]); });
  for (const name of ["pointerenter", "focusin"]) head.addEventListener(name, () => underline(head.places));
  for (const name of ["pointerleave", "focusout"]) head.addEventListener(name, () => underline());
}

// Beside a longer analysis the note stays in view; one taller than the window scrolls until its end shows.
const write = document.querySelector(".write");
new ResizeObserver(() => { write.style.top = `${Math.min(12, window.innerHeight - write.offsetHeight - 12)}px`; }).observe(write);

// A login that ends while somebody writes takes nothing away: the login opens beside this page and tells it when it is done.
const token = document.querySelector('meta[name="csrf-token"]');
function logInAgain() {
  $("status").replaceChildren("登录已经到期，写的内容都还在这一页。", button("open", "重新登录", () => window.open("/login?next=/login/again", "fupan-login", "width=520,height=680")));
}
const watching = watch(note, {
  server: "", key: null, csrf: () => token?.content, words, show, clear,
  fail: (text, status) => {
    if (status === 401) return logInAgain();
    clear();
    $("status").textContent = text;
  },
});
new BroadcastChannel("fupan-login").addEventListener("message", ({ data }) => {
  if (token) token.content = data;
  $("status").textContent = "";
  watching.refresh();
  note.focus();
});
if (note.value) note.dispatchEvent(new Event("input"));
