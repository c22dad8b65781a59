"use strict";
// Draws the audit's charts. Vega runs by its interpreter (`ast`), so the page's policy may forbid eval; its styles are ours (audit.css).
// The chart is a picture of the table beside it, so assistive technology is led to the table.
const specifications = JSON.parse(document.getElementById("specifications").textContent);
const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true } };

async function draw(figure, specification) {
  const width = Math.min(specification.width + 120, figure.clientWidth);
  const holder = document.createElement("div");
  holder.setAttribute("aria-hidden", "true");
  figure.replaceChildren(holder);
  try {
    await window.vegaEmbed(holder, { ...specification, width, autosize: { type: "fit-x", contains: "padding" } }, options);
    figure.dataset.drawn = "yes";
  } catch {
    figure.textContent = "图没有画出来，请看旁边的表。";
  }
  for (const link of holder.querySelectorAll("a, [tabindex], [role]")) link.setAttribute("tabindex", "-1");
}

for (const figure of document.querySelectorAll("[data-chart]")) {
  if (window.vegaEmbed) draw(figure, specifications[figure.dataset.chart]);
  else figure.textContent = "图没有画出来，请看旁边的表。";
}
