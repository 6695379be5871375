// Comfort on top of pages that work without it: choosing shows at once, keys, tips on charts, and a look again when something was still being worked out.
"use strict";
document.documentElement.classList.add("js");

for (const form of document.querySelectorAll("form.controls")) {
  form.addEventListener("change", () => form.requestSubmit());
  // An empty choice is no parameter.
  form.addEventListener("formdata", (event) => { for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name); });
}

const off = () => { try { return localStorage.getItem("fari-keys") === "off"; } catch { return false; } };
const dialog = document.getElementById("keys");
const box = document.getElementById("keys-off");
if (box) {
  box.checked = off();
  box.addEventListener("change", () => { try { localStorage.setItem("fari-keys", box.checked ? "off" : "on"); } catch { /* private windows */ } });
}
let before = "";
const here = (path) => { const url = new URL(location.href); const next = new URL(path, url); for (const name of ["period", "compare", "lang", "theme", "hide", "channel"]) for (const value of url.searchParams.getAll(name)) next.searchParams.append(name, value); location.href = next; };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
  if (event.key === "?" && dialog) { dialog.open ? dialog.close() : dialog.showModal(); return; }
  if (off() || (dialog && dialog.open)) return;
  if (before === "g") {
    const to = { o: "/", m: "/metrics/mrr", r: "/revenue", f: "/funnel", c: "/channels", v: "/visitors", d: "/data" }[event.key];
    before = "";
    if (to) here(to);
    return;
  }
  before = event.key;
  if (event.key === "/") { event.preventDefault(); const search = document.getElementById("search"); search ? search.focus() : here("/metrics#search"); }
  if (event.key === "t") document.querySelector("select[name=period]")?.focus();
  if (event.key === "x") document.querySelector("select[name=compare]")?.focus();
  if (event.key === "e") { const how = document.getElementById("computed"); if (how) { how.scrollIntoView(); how.focus(); } }
});

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
document.addEventListener("pointermove", (event) => {
  const mark = event.target.closest?.(".chart svg [aria-label]");
  const text = mark && !mark.matches("svg, .mark-group") ? mark.getAttribute("aria-label") : "";
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  tip.style.left = `${Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${event.clientY + 14}px`;
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => { await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent); button.textContent = button.dataset.done; });
}
const search = document.getElementById("search");
if (search) {
  search.addEventListener("input", () => { for (const row of document.querySelectorAll("[data-name]")) row.hidden = !row.dataset.name.includes(search.value.trim().toLowerCase()); });
  if (location.hash === "#search") search.focus();
}

// What was still being worked out is looked at again, and put in place of what stands there without a jump.
const again = async (pause) => {
  await new Promise((done) => setTimeout(done, pause));
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const coming = document.body.hasAttribute("data-coming");
    if (coming && !page.body.hasAttribute("data-coming")) return location.reload();
    if (coming) document.querySelector("[data-doing]").textContent = page.querySelector("[data-doing]").textContent;
    if (page.body.hasAttribute("data-pending")) return again(Math.min(pause * 1.5, 5000));
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.body.removeAttribute("data-pending");
  } catch { /* the reader may look again */ }
};
if (document.body.hasAttribute("data-pending")) again(700);
