"use strict";
// Drawing the labels as a form, and reading them back. Loaded after reading.js and before correct.js.
const DATA = JSON.parse(document.getElementById("data").textContent);
const WORDS = DATA.words;
const byId = (id) => document.getElementById(id);
const labels = structuredClone(DATA.labels); // what the form holds
const badAmounts = new Set(); // inputs whose amount cannot be read

// A label in one flat table, as service/corrections/labels.py has it.
function flat(l) {
  const out = {};
  for (const name of ["kind", "outcome", "people", "kp_status", "objections", "competitors", "customer_class", "next_step", "funds_date", "must_ask", "evidence"]) out[name] = l[name];
  for (const part of ["ours", "competitor", "customer", "gaps"]) out[`price.${part}`] = l.price[part];
  out["price.currency"] = l.price.currency ?? "CNY";
  for (const d of DATA.dimensions) out[`rubric.${d}`] = l.rubric[d];
  return out;
}

const changed = (from, to) => {
  const [a, b] = [flat(from), flat(to)];
  return Object.keys(b).filter((f) => JSON.stringify(a[f]) !== JSON.stringify(b[f]));
};

// The changed fields in the nested form of the request.
function request(fields) {
  const out = {}, values = flat(labels);
  for (const field of fields) {
    const [name, part] = field.split(".");
    if (part) (out[name] ??= {})[part] = values[field];
    else out[name] = values[field];
  }
  return out;
}

// An amount as it is typed: "", a number, or "low~high" with at most one open end. undefined: cannot be read.
function readAmount(text) {
  const number = (t) => (/^-?\d+(\.\d+)?$/.test(t) ? Number(t) : undefined);
  const plain = text.replace(/[\s,，]/g, "");
  if (!plain) return null;
  const ends = plain.split(/[~～]/);
  if (ends.length === 1) return number(plain);
  if (ends.length > 2 || ends.join("") === "") return undefined;
  const range = ends.map((t) => (t === "" ? null : number(t)));
  return range.includes(undefined) ? undefined : range;
}
const writeAmount = (a) => (a === null ? "" : Array.isArray(a) ? a.map((x) => x ?? "").join("~") : String(a));

function amountInput(input, get, set) {
  input.value = writeAmount(get());
  input.oninput = () => {
    const value = readAmount(input.value);
    input.setAttribute("aria-invalid", value === undefined);
    badAmounts[value === undefined ? "add" : "delete"](input);
    if (value !== undefined) { set(value); marks(); }
  };
}

function choice(words, value, name, set) {
  const node = element("select");
  node.setAttribute("aria-label", name);
  for (const [id, word] of Object.entries(words)) node.append(new Option(word, id, false, id === value));
  node.addEventListener("change", () => { set(node.value); draw(); });
  return node;
}

function remover(what, act) {
  const node = element("button", "remove", "去掉");
  node.type = "button";
  node.setAttribute("aria-label", `去掉：${what}`);
  node.addEventListener("click", () => { act(); draw(); });
  return node;
}

const quoted = (text) => element("q", "note", text);

function item(...nodes) {
  const node = element("li");
  node.append(...nodes);
  return node;
}

function drawPeople() {
  byId("people").replaceChildren(...labels.people.map((p, i) => {
    const met = element("label"), box = element("input");
    box.type = "checkbox";
    box.checked = p.met;
    box.addEventListener("change", () => { p.met = box.checked; follow(); draw(); });
    met.append(box, "见到了");
    return item(quoted(p.mention), choice(WORDS.role, p.decision_role, `${p.mention}的角色`, (v) => { p.decision_role = v; follow(); }), met,
      remover(p.mention, () => { labels.people.splice(i, 1); follow(); }));
  }));
}

// kp_status follows from the people (labels.md); with nobody named it stays as the trainer has it.
function follow() {
  if (!labels.people.length) return;
  const met = labels.people.filter((p) => p.met).map((p) => p.decision_role);
  const named = labels.people.some((p) => p.decision_role === "first_kp");
  labels.kp_status = met.includes("first_kp") ? "met_first_kp"
    : met.includes("influencer") || (met.includes("unknown") && named) ? "met_other_only" : met.includes("unknown") ? "unclear" : "met_nobody";
}

function drawObjections() {
  byId("objections").replaceChildren(...labels.objections.map((o, i) => item(
    quoted(o.quote), choice(WORDS.objection, o.type, `“${o.quote}”是哪一类`, (v) => { o.type = v; }),
    choice(WORDS.status, o.status, `“${o.quote}”化解了没有`, (v) => { o.status = v; }), remover(o.quote, () => labels.objections.splice(i, 1)))));
}

function drawGaps() {
  byId("gaps").replaceChildren(...labels.price.gaps.map((g, i) => {
    const field = (name, key) => {
      const box = element("label", "amount", name), input = element("input");
      input.inputMode = "decimal";
      amountInput(input, () => g[key], (v) => { g[key] = v; });
      box.append(input);
      return box;
    };
    return item(choice({ competitor: "比对手", customer: "比客户出价" }, g.against, "和谁比", (v) => { g.against = v; }), field("高多少元", "amount"), field("高 %（原文写了才填）", "percent"),
      remover("价格差距", () => labels.price.gaps.splice(i, 1)));
  }));
}

function drawChips(id, texts, remove) {
  byId(id).replaceChildren(...texts.map(([text, what], i) => {
    const node = item(quoted(text));
    if (what) node.append(element("span", "soft", what));
    node.append(remover(text, () => remove(i)));
    return node;
  }));
}

function drawQuestions() {
  byId("must_ask").replaceChildren(...[0, 1, 2].map((i) => choice({ "": i ? "（没有）" : "（请选一个）", ...WORDS.question }, labels.must_ask[i] ?? "", `第 ${i + 1} 个问题`, (v) => {
    labels.must_ask[i] = v;
    labels.must_ask = [...new Set(labels.must_ask.filter(Boolean))];
  })));
}

function drawChoice(field, words) {
  const holder = document.querySelector(`[data-field="${field}"]`);
  if (!holder.childElementCount) {
    holder.append(...Object.entries(words).map(([id, word]) => {
      const label = element("label"), input = element("input");
      Object.assign(input, { type: "radio", name: field, value: id });
      input.addEventListener("change", () => { labels[field] = id; draw(); });
      label.append(input, element("span", "", word));
      return label;
    }), element("span", "was"));
  }
  for (const input of holder.querySelectorAll("input")) input.checked = input.value === labels[field];
}

// What the model said, where the form says something else.
function marks() {
  const differs = new Set(changed(DATA.model, labels));
  for (const field of ["kind", "outcome"]) document.querySelector(`[data-field="${field}"] .was`).textContent = differs.has(field) ? `模型：${WORDS[field][DATA.model[field]]}` : "";
  for (const row of document.querySelectorAll("#rubric > li")) {
    const d = row.dataset.dimension;
    row.querySelector(".was").textContent = differs.has(`rubric.${d}`) ? `模型：${DATA.model.rubric[d]}` : "";
  }
  for (const set of document.querySelectorAll("fieldset[data-of]")) {
    const mine = [...differs].some((f) => f === set.dataset.of || f.startsWith(`${set.dataset.of}.`) || (set.dataset.of === "people" && f === "kp_status"));
    const legend = set.querySelector("legend");
    (legend.querySelector(".was") ?? legend.appendChild(element("span", "was"))).textContent = mine ? "（已更正）" : "";
  }
}
