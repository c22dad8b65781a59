// <fupan-feedback for="textarea-id" key="fk_…" server="https://…">: feedback beside a text area that another page owns.
// It reads that text area and writes to it only where the rep clicks on an opening; it keeps nothing.
const HOME = document.currentScript ? new URL(document.currentScript.src).origin : location.origin;
const SHEET = `
:host { display: block; color: #1d2430; font: 15px/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
section { padding: 12px 14px; border: 1px solid #cfd6e0; border-radius: 8px; background: #fff; }
p, ul, ol { margin: 0; } ul { list-style: none; padding: 0; } ol { padding-left: 20px; }
.score { font-size: 18px; } .score b { font-size: 32px; line-height: 1.1; }
.gain { padding: 0 8px; border-radius: 11px; background: #e5f4e6; color: #1c6527; font-weight: 700; }
small { display: block; color: #556070; font-size: 13px; }
h3 { margin: 12px 0 4px; font-size: 15px; }
.bars { columns: 2 130px; } .bars li { display: flex; gap: 6px; align-items: center; font-size: 13px; }
.bars span { flex: 1; } .bars i { width: 16px; height: 8px; border: 1px solid #8793a5; border-radius: 2px; } .bars i.on { background: #2c7a35; border-color: #2c7a35; }
button { font: inherit; color: inherit; cursor: pointer; text-align: left; min-height: 32px; }
button:focus-visible { outline: 3px solid #1f5fbf; }
.found { display: block; width: 100%; padding: 4px; border: 0; border-left: 4px solid #48555f; margin-bottom: 4px; background: #f6f8fa; }
.found:hover { background: #eaf1fc; } .wrong .found { text-decoration: line-through; color: #556070; }
.mend { margin: 0 0 8px; padding: 0 8px; border: 1px solid #8793a5; border-radius: 6px; background: #fff; font-size: 13px; }
.kp, .person { border-color: #0a72b8; } .price { border-color: #8f5f00; } .competitor { border-color: #7636b0; } .objection-open { border-color: #c4221f; }
.objection-resolved { border-color: #2c7a35; } .step { border-color: #00716a; } .funds { border-color: #ad1457; }
.open { margin: 2px 0 8px; padding: 2px 10px; border: 1px solid #1f5fbf; border-radius: 16px; background: #fff; color: #1f5fbf; font-size: 14px; }
.fault { color: #9b1c13; } .fault:empty { display: none; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

class FupanFeedback extends HTMLElement {
  static observedAttributes = ["for", "key", "server"];
  #root = this.attachShadow({ mode: "open" });
  #watching = null;
  #field = null;
  #announcing = 0;
  #disputed = [];

  constructor() {
    super();
    const sheet = new CSSStyleSheet(); // a style element or attribute would need a hole in the page's policy
    sheet.replaceSync(SHEET);
    this.#root.adoptedStyleSheets = [sheet];
    this.result = element("section");
    this.fault = element("p", "fault");
    this.live = element("p", "unseen");
    this.fault.setAttribute("role", "status");
    this.live.setAttribute("role", "status");
    this.#root.append(this.result, this.fault, this.live);
  }

  connectedCallback() {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.#connect(), { once: true });
    this.#connect();
  }

  disconnectedCallback() {
    this.#watching?.stop();
    this.#watching = null;
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#connect();
  }

  // For pages that set the text area's value, or make the text area, after this element: no event tells.
  refresh() {
    if (this.#watching) this.#watching.refresh();
    else this.#connect();
  }

  #connect() {
    this.disconnectedCallback();
    this.#clear();
    this.#field = this.isConnected ? this.getRootNode().getElementById(this.getAttribute("for")) : null;
    if (!this.#field) return;
    this.#watching = watch(this.#field, {
      server: (this.getAttribute("server") || HOME).replace(/\/+$/, ""), key: this.getAttribute("key"), words: WORDS,
      show: (a, text) => this.#show(a, text),
      clear: () => { this.#disputed = []; this.#clear(); },
      fail: (text) => { this.#clear(); this.fault.textContent = text; },
    });
  }

  #clear() {
    this.fault.textContent = "";
    this.result.replaceChildren(element("p", "", "边写边看：得分、还缺什么、找到的内容会出现在这里。只分析，不保存。"));
  }

  #button(className, text, act) {
    const node = element("button", className, text);
    node.type = "button";
    node.addEventListener("click", act);
    return node;
  }

  #list(tag, className, items, make) {
    const list = element(tag, className);
    list.append(...items.map((x) => { const li = element("li"); li.append(...make(x)); return li; }));
    return list;
  }

  // Marking a finding as wrong changes nothing here: the page that owns the note hears of it and may keep it with the note.
  #mend(f) {
    const before = marked(this.#disputed, f);
    const act = this.#button("mend", before ? "撤销" : disputeText(f, WORDS), () => {
      this.#disputed = this.#disputed.filter((d) => d !== before);
      if (!before) this.#disputed.push({ kind: f.kind, label: f.what, quote: f.quote });
      const detail = { type: f.kind, says: disputeText(f, WORDS), quote: f.quote, start: f.start, end: f.end, wrong: !before };
      this.dispatchEvent(new CustomEvent("fupan-dispute", { detail, bubbles: true, composed: true }));
      act.closest("li").classList.toggle("wrong", !before);
      const mend = this.#mend(f);
      act.replaceWith(mend);
      mend.focus();
    });
    act.setAttribute("aria-label", `${act.textContent}：${f.quote}`);
    return act;
  }

  #show(a, text) {
    const characters = Array.from(text), most = addition(a, WORDS), found = findings(a, WORDS), field = this.#field;
    const score = element("p", "score"), line = element("p", "", most ? `${most.text} ` : "十项都写到位了");
    score.append(element("b", "", a.quality.score), ` 分 ${a.quality.grade}，${WORDS.kind[a.kind.label]}`);
    if (most) line.append(element("span", "gain", `+${most.points}`), element("small", "", most.advice));
    const questions = this.#list("ol", "", a.questions, (q) => {
      const opening = WORDS.opening[q.id];
      return [q.text, element("small", "", q.why), this.#button("open", `接着写：${opening}…`, () => appendOpening(field, opening))];
    });
    const bars = this.#list("ul", "bars", a.quality.dimensions, (d) => [
      element("span", "", d.name), element("i", d.level > 0 ? "on" : ""), element("i", d.level > 1 ? "on" : ""), element("span", "unseen", WORDS.level[d.level]),
    ]);
    const list = this.#list("ul", "", found, (f) => {
      const button = this.#button(`found ${f.cls}`, `“${f.quote}” `, () => {
        field.focus();
        field.setSelectionRange(...units(characters, f.start, f.end));
      });
      button.append(f.what, f.review ? "（存疑）" : "", element("small", "", f.why.map((w) => `${w}。`).join("")));
      return [button, this.#mend(f)];
    });
    found.forEach((f, i) => list.children[i].classList.toggle("wrong", Boolean(marked(this.#disputed, f))));
    this.result.replaceChildren(score, line, element("h3", "", "复盘问题"), questions, element("h3", "", "十项得分"), bars, element("h3", "", "找到的内容"), found.length ? list : "没有找到人、异议、价格或下一步。");
    this.fault.textContent = "";
    clearTimeout(this.#announcing);
    this.#announcing = setTimeout(() => { this.live.textContent = `${a.quality.score} 分，${a.quality.grade}`; }, 1200);
    this.dispatchEvent(new CustomEvent("fupan:analysis", { detail: a, bubbles: true, composed: true }));
  }
}

if (!customElements.get("fupan-feedback")) customElements.define("fupan-feedback", FupanFeedback);
