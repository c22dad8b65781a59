"use strict";
// The rep submits the note: it is stored, and with it what was marked as wrong. Until then nothing is stored (note.js).
const form = $("submit");

// What was marked as wrong and still stands in the analysis, as POST /v1/notes/{id}/appeals takes it.
const toTrainer = () => (shown ? shown.found.filter(isDisputed).map((f) => ({ kind: f.cls === "kp" ? "kp" : f.kind, quote: f.quote })) : []);

const refused = { 401: "没有存上：登录已经到期。重新登录以后再保存一次。", 403: "你的登录不能保存记录。", 413: "这条记录太长，存不下。", 422: "内容或日期不对，请检查。", 429: "请求太频繁，过一会儿再试。" };

async function post(address, body) {
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  return fetch(address, { method: "POST", credentials: "same-origin", cache: "no-store", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify(body) });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const say = (text) => { $("submitted").textContent = text; };
  if (!note.value.trim()) return say("先写几句再保存。");
  const button = form.querySelector("button"), fields = new FormData(form), findings = toTrainer();
  button.disabled = true;
  say("正在保存…");
  try {
    const text = note.value.toWellFormed?.() ?? note.value;
    const stored = await post("/v1/notes", { text, ...Object.fromEntries([...fields].filter(([, value]) => value.trim())) });
    if (stored.status === 401) logInAgain();
    if (!stored.ok) return say(refused[stored.status] ?? "没有存成，请稍后再试。");
    const { id } = await stored.json();
    const appealed = findings.length ? await post(`/v1/notes/${id}/appeals`, { findings }) : null;
    note.value = "";
    note.dispatchEvent(new Event("input"));
    form.reset();
    const link = element("a", "", "看我的记录");
    link.href = `/my#${id}`;
    $("submitted").replaceChildren(appealed && !appealed.ok ? "记录已保存，标记没有存上。" : findings.length ? `已保存，${findings.length} 处标记交给了培训师。` : "已保存。", link);
  } catch {
    say("连不上服务器，内容还在，请稍后再试。");
  } finally {
    button.disabled = false;
  }
});
