"use strict";
// The correction page: what a selection becomes, keys, saving. Loaded after reading.js and correct-form.js.
const text = byId("text"), editor = byId("editor");
const rows = [...document.querySelectorAll("#rubric > li")];
const csrf = document.querySelector('meta[name="csrf-token"]').content;
let active = 0; // the row of the rubric that digits and evidence go to
let start = structuredClone(DATA.labels); // what is saved

// The text takes a caret and a selection by keyboard, but nothing is ever typed into it.
text.contentEditable = "true";
for (const name of ["beforeinput", "paste", "drop", "cut"]) text.addEventListener(name, (event) => event.preventDefault());
for (const name of ["input", "compositionend"]) text.addEventListener(name, () => paint());

// Where each label stands: the first place of its words.
function places() {
  const out = [];
  const add = (quote, layer) => {
    const at = quote ? DATA.text.indexOf(quote) : -1;
    if (at >= 0) out.push({ start: at, end: at + quote.length, layer });
  };
  const d = rows[active].dataset.dimension;
  for (const quote of labels.evidence[d] ?? []) add(quote, "evidence");
  add(labels.next_step?.quote, "step");
  for (const o of labels.objections) add(o.quote, "objection");
  add(labels.funds_date, "funds");
  for (const c of labels.competitors) add(c, "competitor");
  for (const p of labels.people) add(p.mention, "person");
  return out; // later ones lie over earlier ones
}

function paint() {
  const found = places(), cuts = [...new Set([0, DATA.text.length, ...found.flatMap((f) => [f.start, f.end])])].sort((a, b) => a - b);
  text.replaceChildren(...cuts.slice(1).map((end, i) => {
    const piece = DATA.text.slice(cuts[i], end);
    const over = found.filter((f) => f.start <= cuts[i] && end <= f.end).at(-1);
    return over ? element("mark", over.layer, piece) : document.createTextNode(piece);
  }));
}

function draw() {
  drawChoice("kind", WORDS.kind);
  drawChoice("outcome", WORDS.outcome);
  document.querySelector('[data-field="customer_class"]').value = labels.customer_class ?? "";
  document.querySelector('[data-field="kp_status"]').value = labels.kp_status;
  drawPeople();
  drawObjections();
  drawGaps();
  drawQuestions();
  drawChips("competitors", labels.competitors.map((c) => [c]), (i) => labels.competitors.splice(i, 1));
  const step = labels.next_step;
  drawChips("next_step", step ? [[step.quote], ...(step.when ? [[step.when, "时间"]] : [])] : [], (i) => { if (i) step.when = null; else labels.next_step = null; });
  drawChips("funds_date", labels.funds_date ? [[labels.funds_date]] : [], () => { labels.funds_date = null; });
  for (const [i, row] of rows.entries()) {
    const d = row.dataset.dimension;
    row.toggleAttribute("aria-current", i === active);
    if (i === active) row.setAttribute("aria-current", "true");
    for (const input of row.querySelectorAll("input")) input.checked = Number(input.value) === labels.rubric[d];
    row.querySelector(".hint").textContent = labels.rubric[d] < 2 ? WORDS.hint[d][labels.rubric[d]] : "";
    row.querySelector(".count").textContent = labels.evidence[d]?.length ? `依据 ${labels.evidence[d].length} 处` : "";
    row.querySelector(".chips")?.replaceChildren(...(labels.evidence[d] ?? []).map((quote, j) => item(quoted(quote), remover(quote, () => labels.evidence[d].splice(j, 1)))));
  }
  const worth = (d) => (DATA.weights[d] * labels.rubric[d]) / 2;
  byId("score").value = DATA.dimensions.reduce((sum, d) => sum + worth(d), 0);
  marks();
  paint();
}

function setLevel(level, on = true) {
  const d = rows[active].dataset.dimension;
  labels.rubric[d] = level;
  if (!level) delete labels.evidence[d];
  if (on) active = Math.min(active + 1, rows.length - 1);
  draw();
  rows[active].scrollIntoView({ block: "nearest" });
}

function move(by) {
  active = Math.max(0, Math.min(rows.length - 1, active + by));
  draw();
  rows[active].scrollIntoView({ block: "nearest" });
}

for (const [i, row] of rows.entries()) {
  row.addEventListener("focusin", () => { if (active !== i) { active = i; draw(); } });
  for (const input of row.querySelectorAll("input")) input.addEventListener("change", () => { active = i; setLevel(Number(input.value), false); });
}

// The words that are selected in the text, or nothing.
function selected() {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed || !text.contains(selection.anchorNode) || !text.contains(selection.focusNode)) return "";
  return selection.getRangeAt(0).cloneContents().textContent.trim();
}

const taking = {
  KeyR: (q) => { if (!labels.people.some((p) => p.mention === q)) labels.people.push({ mention: q, decision_role: "unknown", met: true }); follow(); },
  KeyY: (q) => labels.objections.push({ type: "price", status: "open", quote: q }),
  KeyD: (q) => { if (!labels.competitors.includes(q)) labels.competitors.push(q); },
  KeyX: (q) => { labels.next_step = { quote: q, when: labels.next_step?.when && q.includes(labels.next_step.when) ? labels.next_step.when : null }; },
  KeyS: (q) => { if (labels.next_step) labels.next_step.when = q; else say("先选下一步，再选它的时间。"); },
  KeyH: (q) => { labels.funds_date = q; },
  KeyE: (q) => {
    const d = rows[active].dataset.dimension;
    if (!DATA.evidenced.includes(d)) return say("这一项的依据就是上面的人、异议、价格或下一步，不用另选。");
    if (!labels.rubric[d]) labels.rubric[d] = 1;
    labels.evidence[d] = [...new Set([...(labels.evidence[d] ?? []), q])];
  },
};
const lastOf = { KeyR: "#people", KeyY: "#objections" }; // where the next choice is to be made

function take(code) {
  const quote = selected();
  if (!quote) return say("先在原文里选中几个字。");
  say("");
  taking[code](quote);
  draw();
  document.querySelector(`${lastOf[code] ?? "#none"} li:last-child select`)?.focus();
}

for (const button of document.querySelectorAll("[data-take]")) {
  button.addEventListener("pointerdown", (event) => event.preventDefault()); // the selection stays
  button.addEventListener("click", () => take(button.dataset.take));
}

const next = (field) => {
  const ids = Object.keys(WORDS[field]);
  labels[field] = ids[(ids.indexOf(labels[field]) + 1) % ids.length];
  draw();
};
const pressing = { KeyJ: () => move(1), KeyK: () => move(-1), KeyL: () => next("kind"), KeyG: () => next("outcome") };

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return void save(event.shiftKey && byId("complete") ? true : null);
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !byId("keys-on").checked) return;
  if (event.target.closest("select, textarea, input:not([type=radio], [type=checkbox])")) return;
  const digit = /^(?:Digit|Numpad)([012])$/.exec(event.code);
  if (!digit && !pressing[event.code] && !taking[event.code]) return;
  event.preventDefault();
  if (digit) setLevel(Number(digit[1]));
  else if (pressing[event.code]) pressing[event.code]();
  else take(event.code);
});

document.querySelector('[data-field="customer_class"]').addEventListener("change", (event) => { labels.customer_class = event.target.value || null; marks(); });
const status = document.querySelector('[data-field="kp_status"]');
for (const [id, word] of Object.entries(WORDS.kp_status)) status.append(new Option(word, id));
status.addEventListener("change", () => { labels.kp_status = status.value; marks(); });
for (const input of document.querySelectorAll("[data-price]")) {
  const part = input.dataset.price;
  if (part !== "currency") { amountInput(input, () => labels.price[part], (v) => { labels.price[part] = v; }); continue; }
  input.value = labels.price.currency ?? "CNY";
  input.addEventListener("input", () => { labels.price.currency = input.value.toUpperCase() || "CNY"; marks(); });
}
byId("add-gap").addEventListener("click", () => { labels.price.gaps.push({ against: "competitor", amount: null, percent: null }); draw(); });

function say(words) { byId("said").textContent = words; }

function tell(faults) {
  byId("faults").hidden = faults.length === 0;
  byId("faults").replaceChildren(...faults.map((words) => element("li", "", words)));
  if (faults.length) byId("faults").scrollIntoView({ block: "nearest" });
}

// A problem's field (labels.people.0.mention) in words.
function faultWords({ field, message }) {
  const path = field.replace(/^labels\./, "").split(".");
  const name = WORDS.fields[path.slice(0, 2).join(".")] ?? WORDS.fields[path[0]] ?? "内容";
  return `${name}：${message === "These words do not stand in the note" ? "这几个字不在原文里" : "填的内容不对，请检查"}`;
}

const failed = { 401: "登录已经结束，请重新登录。", 403: "你的登录不能更正。", 404: "这条记录已经不在了。", 409: "这条记录已经变了，请刷新后再核对。", 413: "内容太多，存不下。" };
let saving = false;

async function save(complete) {
  if (saving) return;
  if (badAmounts.size) return tell(["价格：有一处不是数字"]);
  const fields = changed(start, labels);
  if (!fields.length && complete === null && !DATA.appeal) return say("没有改动。");
  saving = true;
  say("正在保存…");
  const sent = { labels: request(fields) };
  const [address, body] = DATA.appeal ? [`/v1/appeals/${DATA.appeal}/decision`, { ...sent, verdict: "accepted" }]
    : [`/v1/notes/${DATA.note}/corrections`, { ...sent, revision: DATA.revision, blind: DATA.blind, ...(complete === null ? {} : { complete }) }];
  try {
    const answer = await fetch(address, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify(body) });
    if (!answer.ok) {
      const problem = await answer.json();
      say("");
      return tell(problem.errors?.length ? problem.errors.map(faultWords) : [failed[answer.status] ?? "没有存成，请稍后再试。"]);
    }
    start = structuredClone(labels);
    if (complete && DATA.next && !DATA.blind) location.assign(`/notes/${DATA.next}/correct#checked`);
    else { history.replaceState(null, "", "#saved"); location.reload(); }
  } catch {
    say("");
    tell(["连不上服务器，改动还在这一页，请稍后再试。"]);
  } finally {
    saving = false;
  }
}

editor.addEventListener("submit", (event) => { event.preventDefault(); save(null); });
byId("complete")?.addEventListener("click", () => save(true));
addEventListener("beforeunload", (event) => { if (changed(start, labels).length) event.preventDefault(); });
draw();
if (location.hash === "#saved") say("已保存。");
if (location.hash === "#checked") say("上一条已核对，这是下一条。");
