// The progress of a running import: asked for once a second; when it has ended, the page is loaded again for its last state.
"use strict";
(() => {
  const section = document.getElementById("import");
  if (!section || !("working" in section.dataset)) return;
  const bar = document.getElementById("bar");
  const put = (id, value) => {
    const element = document.getElementById(id);
    if (element.textContent !== String(value)) element.textContent = value;
  };

  async function look() {
    try {
      const answer = await fetch(section.dataset.address, { headers: { accept: "application/json" } });
      if (answer.ok) {
        const told = await answer.json();
        if (!told.working) return location.reload();
        for (const id of ["total", "stored", "known", "faults", "words"]) put(id, told[id]);
        bar.max = told.total || 1;
        bar.value = told.handled;
      } else if (answer.status === 401 || answer.redirected) return location.reload();
    } catch {
      // The server is away for a moment: asked again.
    }
    return setTimeout(look, 1000);
  }
  setTimeout(look, 1000);
})();
