/* Saves what is typed as a draft a few seconds after the last key and when a field is left, and says so. */
(function () {
  "use strict";

  var form = document.querySelector("form[data-draft]");
  if (!form) return;
  var state = form.querySelector("[data-draft-state]");
  var timer = null;
  var saved = snapshot();
  var leaving = false;
  var running = false;

  function fields() {
    var data = new FormData(form);
    Array.from(data.entries()).forEach(function (pair) { if (pair[1] instanceof File) data.delete(pair[0]); });
    return data;
  }
  function snapshot() { return new URLSearchParams(fields()).toString(); }

  function say(word, isBad) {
    state.textContent = word;
    state.classList.toggle("is-bad", Boolean(isBad));
  }

  async function save() {
    var body = snapshot();
    if (running || leaving || body === saved) return;
    running = true;
    try {
      var answer = await fetch(form.dataset.draft, { method: "POST", body: fields(), credentials: "same-origin", headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      var said = await answer.json();
      saved = body;
      say(form.dataset.wordSaved.replace("{time}", said.time));
    } catch (error) {
      say(form.dataset.wordFailed, true);
      timer = setTimeout(save, 15000);
    } finally {
      running = false;
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(save, 3000);
  }

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("focusout", function () { clearTimeout(timer); timer = setTimeout(save, 200); });
  form.addEventListener("submit", function (event) {
    if (leaving) { event.preventDefault(); return; }
    leaving = true;
    clearTimeout(timer);
    var button = form.querySelector("[data-primary]");
    if (button) button.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", function () { leaving = false; });
  document.addEventListener("visibilitychange", function () { if (document.visibilityState === "hidden") save(); });

  var lost = document.getElementById("lost") || document.querySelector(".error-summary");
  if (lost) lost.focus();
})();
