// Reading an analysis: what the rep's page and the embedded component share. Pure but for `appendOpening` and `watch`.
// The server puts this file and embed.js together as /embed.js; the page loads it before note.js.
const PAUSE_MS = 50, LONGEST_PAUSE_MS = 120;

const element = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

// Offsets of the API are code points; a text area counts UTF-16 units.
const units = (characters, start, end) => {
  const before = characters.slice(0, start).join("").length;
  return [before, before + characters.slice(start, end).join("").length];
};

// A calibrated probability in words.
const likelihood = (p) => (p >= 0.97 ? "几乎可以肯定" : p >= 0.9 ? "很有把握" : p >= 0.75 ? "比较有把握" : p >= 0.5 ? "把握不大" : "拿不准");

const yuan = (amount, unit) => {
  const written = (n) => n.toLocaleString("zh-CN", { maximumFractionDigits: 4 }), number = (n) => written(n) + unit;
  if (!Array.isArray(amount)) return number(amount);
  const [low, high] = amount;
  return high === null ? `${number(low)}以上` : low === null || low === 0 ? `${number(high)}以内` : `${written(low)} 到 ${number(high)}`;
};

const dated = (d, missing) => (d.date ? `“${d.when}”是 ${d.date}` : d.when ? `时间是“${d.when}”` : missing);

// The findings of an analysis in order of place: cls (colour), start, end, quote, what it is, why, whether it needs a second look.
function findings(a, words) {
  const out = [];
  const add = (kind, cls, place, what, why) => out.push({ kind, cls, what, why: why.filter(Boolean), start: place.start, end: place.end, quote: place.quote ?? place.mention, review: place.needs_review === true });
  for (const p of a.people) {
    const sure = p.decision_role === "unknown" ? "" : likelihood(p.probability);
    add("person", p.decision_role === "first_kp" ? "kp" : "person", p, `${words.role[p.decision_role]}，${p.met ? "这次见到了" : "这次没见到"}`, [words.role_why[p.decision_role], sure]);
  }
  for (const o of a.objections) add("objection", `objection-${o.status}`, o, `${words.objection[o.type]}异议，${words.status[o.status]}`, [words.objection_why[o.type], likelihood(o.probability)]);
  for (const m of a.price.mentions) if (m.role !== "other") add("price", "price", m, words.price[m.role], [m.amount === null ? (m.percent === null ? "" : `读作 ${m.percent}%`) : `读作 ${yuan(m.amount, a.price.currency === "CNY" ? " 元" : ` ${a.price.currency}`)}`]);
  for (const c of a.competitors) add("competitor", "competitor", c, "对手", ["记录里点了名的另一家"]);
  if (a.customer_class) add("class", "class", a.customer_class, `客户分类 ${a.customer_class.label}`, ["这次拜访之后的分类"]);
  if (a.next_step) add("step", "step", a.next_step, "下一步", [dated(a.next_step, "还没写哪一天")]);
  if (a.funds_date) add("funds", "funds", a.funds_date, "到款时间", [dated(a.funds_date, "还没有具体日期")]);
  return out.sort((x, y) => x.start - y.start || x.end - y.end);
}

// What would add most: the rubric gives a dimension weight × level / 2, so the second level gives what is missing of its weight.
function addition(a, words) {
  let best = null;
  for (const d of a.quality.dimensions) {
    const points = (d.weight * (2 - d.level)) / 2;
    if (points > 0 && (!best || points > best.points)) best = { id: d.id, points, text: d.addition ?? words.addition[d.id][d.level], advice: d.advice };
  }
  return best;
}

// A line that is only an opening says nothing yet: it is sent as spaces of the same length, so that offsets stay and it earns no points.
function withoutOpenings(text, words) {
  const openings = new Set(Object.values(words.opening));
  return text.split("\n").map((line) => (openings.has(line.trim()) ? " ".repeat(line.length) : line)).join("\n");
}

// Put text at the end of a field as if typed: insertText keeps undo whole and tells the page that owns the field.
function appendOpening(field, opening) {
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  const text = (field.value && !field.value.endsWith("\n") ? "\n" : "") + opening;
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.value.length, field.value.length, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

// A longer or shorter quote of the same thing is the same finding, so a mark stays while the rep writes on.
const marked = (disputed, f) => disputed.find((d) => d.kind === f.kind && d.label === f.what && (d.quote.includes(f.quote) || f.quote.includes(d.quote)));
const disputeText = (f, words) => words.dispute[f.cls] ?? words.dispute[f.kind];

const faultText = (status) =>
  ({ 401: "需要有效的密钥才能分析。", 403: "这个密钥或网页不能用来分析。", 413: "这条记录太长，分析不了。", 422: "这条记录太长或者没有内容，分析不了。", 429: "请求太频繁，稍等一下再写。" })[status] ?? "分析没有成功，请稍后再试。";

// Send the draft after each pause in typing, never while an input method composes; a newer draft aborts the older one.
// `key` is a foreign page's, `csrf()` the token of our own page's session. `show(analysis, text)`, `clear()` for an empty note, `fail(text, status)`. Gives refresh() and stop().
function watch(field, { server, key, csrf, words, show, clear, fail }) {
  const ending = new AbortController();
  let timer = 0, pending = null, composing = false, took = 0; // a pause is as long as the last answer took, so that drafts do not queue up
  const hold = () => { clearTimeout(timer); pending?.abort(); };
  async function send() {
    hold();
    const text = field.value, draft = withoutOpenings(text, words);
    if (!draft.trim()) return clear();
    pending = new AbortController();
    const { signal } = pending, token = csrf?.(), asked = performance.now();
    try {
      const answer = await fetch(`${server}/v1/analyses`, {
        method: "POST", mode: "cors", credentials: key ? "omit" : "same-origin", cache: "no-store", referrerPolicy: "no-referrer", signal,
        headers: { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : token ? { "X-CSRF-Token": token } : {}) },
        body: JSON.stringify({ text: draft.toWellFormed?.() ?? draft, draft: true }),
      });
      const body = answer.ok ? await answer.json() : null;
      took = performance.now() - asked;
      if (signal.aborted || field.value !== text) return;
      if (body) show(body, text);
      else fail(faultText(answer.status), answer.status);
    } catch {
      if (!signal.aborted) fail("连不上分析服务，内容还在，请稍后再试。");
    }
  }
  const later = () => {
    hold();
    if (!composing) timer = setTimeout(send, Math.min(Math.max(took, PAUSE_MS), LONGEST_PAUSE_MS));
  };
  const on = (name, act) => field.addEventListener(name, act, { signal: ending.signal });
  on("compositionstart", () => { composing = true; hold(); });
  on("compositionend", () => { composing = false; later(); });
  on("input", later);
  if (field.value) later();
  return { refresh: later, stop: () => { hold(); ending.abort(); } };
}
