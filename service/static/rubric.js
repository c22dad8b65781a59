"use strict";
// The rubric's pages: the sum of the weights while they are changed, and past notes given new scores part by part with progress.
const form = document.getElementById("rubric");
if (form) {
  const weights = [...form.querySelectorAll('input[type="number"]')], total = document.getElementById("total"), balance = document.getElementById("balance");
  const whole = Number(total.dataset.whole);
  const add = () => {
    const sum = weights.reduce((n, input) => n + Number(input.value), 0), off = sum - whole;
    total.textContent = sum;
    balance.hidden = off === 0;
    balance.textContent = off > 0 ? `多了 ${off} 分，从别的项里减掉才能保存。` : off < 0 ? `还差 ${-off} 分，加到哪一项上？` : "";
    weights[0].setCustomValidity(off ? `十项合计要正好 ${whole} 分，现在是 ${sum} 分。` : "");
  };
  form.addEventListener("input", add);
  add();
}

const section = document.getElementById("apply"), button = document.getElementById("apply-button");
if (button) {
  const bar = document.getElementById("bar"), said = document.getElementById("applied"), fields = button.form.elements;
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  button.form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    bar.hidden = false;
    let applied = 0, unreadable = 0, cursor = null;
    try {
      do {
        const body = { team: fields.team.value || null, from: fields.from.value, to: fields.to.value, cursor };
        const answer = await fetch(section.dataset.address, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(answer.status);
        const part = await answer.json();
        [applied, unreadable, cursor] = [applied + part.applied, unreadable + part.unreadable, part.next];
        bar.value = applied;
        said.textContent = `已经重新算了 ${applied} 条…`;
      } while (cursor);
      said.textContent = `算完了：${applied} 条。${unreadable ? `另有 ${unreadable} 条是旧格式，没有动。` : ""}`;
      bar.hidden = true;
    } catch {
      said.textContent = `停在第 ${applied} 条：连不上服务器，登录到期，或者已经换了别的版本。刷新页面再按一次，会接着算。`;
      button.disabled = false;
    }
  });
}
