// Files dropped anywhere on the page of the data are brought in as if they had been chosen; what takes a while says so.
"use strict";
const form = () => document.querySelector("form[data-drop]");
const complain = (text) => { form().querySelector("[data-said]").textContent = text; };
const fit = (files) => {
  const most = Number(form().dataset.most), many = Number(form().dataset.many);
  if (files.length > many) return form().dataset.tooMany;
  if ([...files].reduce((sum, file) => sum + file.size, 0) > most) return form().dataset.tooLarge;
  return "";
};
const holds = (event) => form() && [...(event.dataTransfer?.types ?? [])].includes("Files");

document.addEventListener("dragover", (event) => { if (holds(event)) { event.preventDefault(); form().closest("section").classList.add("over"); } });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form()?.closest("section").classList.remove("over"); });
document.addEventListener("drop", (event) => {
  if (!holds(event)) return;
  event.preventDefault();
  form().closest("section").classList.remove("over");
  const files = event.dataTransfer.files;
  if (!files.length) return;
  const wrong = fit(files);
  complain(wrong);
  if (wrong) return;
  form().querySelector("input[type=file]").files = files;
  form().requestSubmit();
});
document.addEventListener("submit", (event) => {
  const own = event.target;
  if (own === form()) {
    const wrong = fit(own.querySelector("input[type=file]").files);
    complain(wrong);
    if (wrong) { event.preventDefault(); return; }
  }
  const button = own.querySelector("button[data-wait]");
  if (!button) return;
  // What is being sent is not replaced under the reader's hands, nor sent twice.
  document.body.removeAttribute("data-pending");
  if (own.dataset.sent) { event.preventDefault(); return; }
  own.dataset.sent = "1";
  button.textContent = button.dataset.wait;
  button.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
// When the findings come in, the page's content is put in place anew: what was chosen until then stays chosen.
let chosen = null;
document.addEventListener("change", (event) => { if (event.target.matches("form[data-drop] input[type=file]")) chosen = event.target.files; });
new MutationObserver(() => { const input = form()?.querySelector("input[type=file]"); if (chosen?.length && input && !input.files.length) input.files = chosen; }).observe(document.body, { childList: true });
