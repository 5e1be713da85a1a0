// Keys for decisions, and the next report shown before the answer comes; forms do without both.
"use strict";

(() => {
  const label = document.getElementById("shortcuts");
  const box = label.querySelector("input");
  box.checked = localStorage.getItem("marrow-shortcuts") !== "off";
  label.hidden = false;
  const show = () => document.documentElement.classList.toggle("keys-on", box.checked);
  box.addEventListener("change", () => {
    localStorage.setItem("marrow-shortcuts", box.checked ? "on" : "off");
    show();
  });
  show();

  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("select, textarea, input:not([type=checkbox])")) return;
    const key = event.key.toLowerCase();
    const button = [...document.querySelectorAll("#review button[data-key]")].find((one) => one.dataset.key === key);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });

  // The answer brings the same report again, and the one behind it. Until then nothing can be pressed.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const review = event.detail.elt.closest?.("#review");
    if (!review) return;
    const ahead = document.getElementById("ahead");
    const item = document.getElementById("item");
    if (ahead && item && event.detail.elt.matches(".verdict-bar")) {
      item.replaceChildren(ahead.content.cloneNode(true));
      scrollTo(0, 0);
    }
    for (const button of review.querySelectorAll("button")) button.disabled = true;
  });
  const released = (event) => {
    const review = event.detail.elt.closest?.("#review");
    // What was not saved is told by loading the page anew: it shows the report that is still open.
    if (review) location.reload();
  };
  document.addEventListener("htmx:sendError", released);
  document.addEventListener("htmx:responseError", released);
  document.addEventListener("htmx:afterSettle", () => {
    document.getElementById("item-heading")?.focus({ preventScroll: true });
  });
})();
