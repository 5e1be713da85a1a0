// What JavaScript adds; every page works without it.
"use strict";

// A mention and its cues light up together.
const tie = (event, on) => {
  const one = event.target.closest?.("[data-mentions]");
  if (!one) return;
  const ids = one.dataset.mentions.split(" ");
  for (const other of document.querySelectorAll(".report-text [data-mentions]")) {
    const shared = other.dataset.mentions.split(" ").some((id) => ids.includes(id));
    other.classList.toggle("tied", on && shared && other !== one);
  }
};
document.addEventListener("mouseover", (event) => { tie(event, true); place(event.target); });
document.addEventListener("mouseout", (event) => tie(event, false));
document.addEventListener("focusin", (event) => { tie(event, true); place(event.target); });
document.addEventListener("focusout", (event) => tie(event, false));

// A card stays inside the window.
function place(element) {
  const mark = element.closest?.("mark");
  const card = mark?.querySelector(":scope > .card");
  document.documentElement.classList.remove("cards-off");
  if (!card || getComputedStyle(card).position === "fixed") return;
  card.style.setProperty("--shift", "0px");
  const over = card.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
  if (over > 0) card.style.setProperty("--shift", `${-over}px`);
}

// Escape puts cards away without moving pointer or focus (WCAG 1.4.13).
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.documentElement.classList.add("cards-off");
});

// After a swap: say what came of it, and keep the focus where it was or give it to what is new.
document.addEventListener("htmx:afterSettle", (event) => {
  const part = event.detail.elt;
  const said = part.dataset?.announce ?? part.querySelector?.("[data-announce]")?.dataset.announce;
  if (said) document.getElementById("announcer").textContent = said;
});
