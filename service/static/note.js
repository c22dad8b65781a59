"use strict";
// The rep's page: sends the draft after a pause in typing, shows what comes back. Keeps nothing, stores nothing.
const PAUSE_MS = 150;
const $ = (id) => document.getElementById(id);
const note = $("note"), backdrop = $("backdrop");
const labels = JSON.parse($("labels").textContent);
let timer = 0, pending = null, shown = null;

const element = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

// Offsets of the API are code points; a textarea counts UTF-16 units.
const units = (characters, start, end) => [characters.slice(0, start).join("").length, characters.slice(0, end).join("").length];

function findings(a) {
  const out = [];
  for (const p of a.people) out.push({ ...p, cls: "person", text: `${p.mention}：${labels.role[p.decision_role]}，${p.met ? "见到了" : "没见到"}` });
  for (const o of a.objections) out.push({ ...o, cls: "objection", text: `${labels.objection[o.type]}（${labels.status[o.status]}）：“${o.quote}”` });
  for (const m of a.price.mentions) if (m.role !== "other") out.push({ ...m, cls: "price", text: `${labels.price[m.role]}：${m.quote}` });
  for (const c of a.competitors) out.push({ ...c, cls: "competitor", text: `对手：${c.mention}` });
  if (a.customer_class) out.push({ ...a.customer_class, cls: "class", text: `客户分类：${a.customer_class.label}` });
  if (a.next_step) out.push({ ...a.next_step, cls: "step", text: `下一步：“${a.next_step.quote}”${a.next_step.date ? "，" + a.next_step.date : ""}` });
  if (a.funds_date) out.push({ ...a.funds_date, cls: "funds", text: `到款时间：“${a.funds_date.quote}”${a.funds_date.date ? "，" + a.funds_date.date : ""}` });
  return out.sort((x, y) => x.start - y.start || x.end - y.end);
}

// Later classes lie over earlier ones where findings overlap: the smaller thing stays visible inside the longer.
const LAYERS = ["step", "objection", "funds", "class", "competitor", "price", "person"];

function paint(characters, found) {
  const layer = new Array(characters.length).fill("");
  for (const cls of LAYERS) for (const f of found) if (f.cls === cls) layer.fill(cls, f.start, f.end);
  backdrop.replaceChildren();
  for (let i = 0; i < characters.length;) {
    let j = i;
    while (j < characters.length && layer[j] === layer[i]) j++;
    const text = characters.slice(i, j).join("");
    backdrop.append(layer[i] ? element("mark", layer[i], text) : document.createTextNode(text));
    i = j;
  }
  backdrop.append("\n");
  backdrop.scrollTop = note.scrollTop;
}

function show(a, text) {
  const characters = Array.from(text), found = findings(a);
  shown = { characters, found };
  paint(characters, found);
  $("result").hidden = false;
  $("score").textContent = a.quality.score;
  $("grade").textContent = a.quality.grade;
  $("kind").textContent = `${labels.kind[a.kind.label]} ${Math.min(99, Math.round(a.kind.probability * 100))}%${a.kind.needs_review ? "（存疑）" : ""}`;
  $("outcome").textContent = labels.outcome[a.outcome.label];
  $("kp").textContent = labels.kp_status[a.kp.status];
  $("warnings").textContent = a.kp.warnings.join("；");
  $("questions").replaceChildren(...a.questions.map((q) => {
    const item = element("li", "", q.text);
    item.append(element("small", "", q.why));
    return item;
  }));
  for (const d of a.quality.dimensions) {
    const row = document.querySelector(`#dimensions li[data-id="${d.id}"]`);
    row.querySelector("meter").value = d.level;
    row.querySelector("b").textContent = (d.weight * d.level) / 2;
    const quotes = d.evidence.slice(0, 2).map((e) => `“${characters.slice(e.start, e.end).join("")}”`).join(" ");
    row.querySelector(".why").textContent = [quotes, d.advice].filter(Boolean).join(" → ");
  }
  $("nothing").hidden = found.length > 0;
  $("findings").replaceChildren(...found.map((f) => {
    const button = element("button");
    button.type = "button";
    button.append(element("mark", f.cls, f.text));
    button.addEventListener("click", () => select(f));
    const item = element("li");
    item.append(button);
    return item;
  }));
}

function select(f) {
  const [start, end] = units(shown.characters, f.start, f.end);
  note.focus();
  note.setSelectionRange(start, end);
}

function clear() {
  shown = null;
  backdrop.replaceChildren();
  $("result").hidden = true;
}

async function analyze() {
  const text = note.value;
  pending?.abort();
  $("status").textContent = "";
  if (!text.trim()) return clear();
  pending = new AbortController();
  try {
    const answer = await fetch("/v1/analyses", {
      method: "POST", headers: { "Content-Type": "application/json" }, cache: "no-store",
      body: JSON.stringify({ text, draft: true }), signal: pending.signal,
    });
    const body = await answer.json();
    if (answer.ok) {
      if (note.value === text) show(body, text);
    } else {
      clear();
      $("status").textContent = answer.status === 413 || answer.status === 422 ? "这条记录太长或者没有内容，分析不了。" : "分析没有成功，请稍后再试。";
    }
  } catch (error) {
    if (error.name !== "AbortError") $("status").textContent = "连不上分析服务，内容还在，请稍后再试。";
  }
}

function fit() {
  note.style.height = "auto";
  note.style.height = `${note.scrollHeight + 2}px`;
}

note.addEventListener("input", () => {
  $("count").textContent = note.value ? `${Array.from(note.value).length} 字` : "";
  if (shown) paint(Array.from(note.value), []);
  fit();
  clearTimeout(timer);
  timer = setTimeout(analyze, PAUSE_MS);
});
note.addEventListener("scroll", () => { backdrop.scrollTop = note.scrollTop; });
if (note.value) note.dispatchEvent(new Event("input"));
