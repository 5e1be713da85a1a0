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
  const announcer = document.getElementById("announcer");
  // What is the same as before is not said again: some parts are asked for every two seconds.
  if (said && said !== announcer.textContent) announcer.textContent = said;
});

document.documentElement.classList.add("scripts");

// An archive is dropped where it would be chosen.
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const zone = event.target.closest?.("[data-drop]");
    if (!zone) return;
    zone.classList.toggle("over", kind === "dragover");
    if (kind === "dragleave") return;
    event.preventDefault();
    if (kind === "drop") document.getElementById(zone.dataset.drop).files = event.dataTransfer.files;
  });
}

// How far an upload is.
document.addEventListener("htmx:xhr:progress", (event) => {
  const shown = event.target.querySelector?.("[data-upload]");
  if (!shown || !event.detail.lengthComputable) return;
  const part = event.detail.loaded / event.detail.total;
  shown.hidden = false;
  shown.querySelector("progress").value = part;
  shown.querySelector("[data-upload-said]").textContent = part < 1 ? `${Math.round(part * 100)} %` : "looked at now";
});

// What went wrong is said where it was asked for.
for (const kind of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(kind, (event) => {
    const place = document.getElementById(event.target.dataset?.errors ?? "");
    if (!place) return;
    let said = "The service could not be reached; try again.";
    try {
      const problem = JSON.parse(event.detail.xhr.responseText);
      said = [problem.detail, ...(problem.errors ?? []).map((one) => one.detail)].filter(Boolean).join(" ");
    } catch { /* no problem of ours */ }
    place.textContent = said;
    place.hidden = false;
    for (const shown of event.target.querySelectorAll("[data-upload]")) shown.hidden = true;
  });
}
