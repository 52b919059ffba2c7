/* Nothing typed is lost: saves a draft a few seconds after the last key and when the window goes away, and sends a form
   only when somebody is there to receive it. Signed out or offline, the page says so, stays, and goes on by itself once
   the person is back. */
(function () {
  "use strict";

  var KEEPALIVE_BYTES = 60000;  // browsers let no more outlive their window
  var AGAIN_MS = 15000;

  var form = document.querySelector("form[data-keep]");
  if (!form) return;
  var word = form.dataset;
  var state = form.querySelector("[data-draft-state]");
  var timer = null;
  var saved = snapshot();
  var sending = false;
  var running = false;
  var signedOut = false;

  function fields() {
    var data = new FormData(form);
    Array.from(data.entries()).forEach(function (pair) { if (pair[1] instanceof File) data.delete(pair[0]); });
    return data;
  }
  function snapshot() { return new URLSearchParams(fields()).toString(); }

  function say(text, isBad) {
    state.textContent = text;
    state.classList.toggle("is-bad", Boolean(isBad));
  }

  function sayWhyNot(fate, otherwise) {
    signedOut = fate === "out";
    if (!signedOut) { say(otherwise, true); return; }
    say(word.wordOut + " ", true);
    var link = document.createElement("a");
    link.href = "/login?next=" + encodeURIComponent(word.keep);
    link.target = "_blank";
    link.textContent = word.wordSignIn;
    state.appendChild(link);
  }

  // The page's token belongs to a session; after signing in again elsewhere this page takes over the new one.
  async function renew() {
    var answer = await fetch(word.keep, { credentials: "same-origin" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") return "out";
    if (!answer.ok) return "";
    var token = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector('input[name="csrf_token"]');
    if (token) document.querySelectorAll('input[name="csrf_token"]').forEach(function (one) { one.value = token.value; });
    return "";
  }

  // What became of it: "kept", "refused" (a person must look), "out" (nobody is signed in) or "away" (no answer).
  async function post(keepalive) {
    var body = snapshot();
    var answer = await fetch(word.draft, { method: "POST", body: fields(), credentials: "same-origin", keepalive: keepalive && body.length < KEEPALIVE_BYTES, headers: { Accept: "application/json" } });
    if (answer.ok) {
      var said = await answer.json();
      saved = body;
      signedOut = false;
      say(word.wordSaved.replace("{time}", said.time));
      return "kept";
    }
    if (answer.status === 400 || answer.status === 401) return "out";
    return answer.status < 500 ? "refused" : "away";
  }

  async function keep(keepalive) {
    try {
      if (!word.draft) return await renew() || "kept";
      var fate = await post(keepalive);
      if (fate !== "out" || await renew() === "out") return fate;
      fate = await post(false);
      return fate === "out" ? "refused" : fate;
    } catch (error) {
      return "away";
    }
  }

  async function save(keepalive) {
    if (!word.draft || running || sending || snapshot() === saved) return;
    running = true;
    var fate = await keep(keepalive);
    running = false;
    if (sending) return;
    if (fate !== "kept") sayWhyNot(fate, word.wordFailed);
    if (fate === "away") later(AGAIN_MS);
    else if (fate === "kept" && snapshot() !== saved) later(3000);
  }

  function later(wait) {
    clearTimeout(timer);
    timer = setTimeout(save, wait);
  }

  function rest(isResting) {
    var button = form.querySelector("[data-primary]");
    sending = isResting;
    if (button && isResting) button.setAttribute("aria-disabled", "true");
    else if (button) button.removeAttribute("aria-disabled");
  }

  form.addEventListener("input", function () { later(3000); });
  form.addEventListener("change", function () { later(3000); });
  form.addEventListener("focusout", function () { later(200); });
  form.addEventListener("submit", async function (event) {
    event.preventDefault();
    if (sending) return;
    rest(true);
    clearTimeout(timer);
    var fate = await keep(false);
    if (fate === "kept" || fate === "refused") { form.submit(); return; }
    rest(false);
    sayWhyNot(fate, word.wordUnsent);
    if (fate === "away") later(AGAIN_MS);
  });
  window.addEventListener("pageshow", function () { rest(false); });
  window.addEventListener("online", function () { later(200); });
  document.addEventListener("visibilitychange", async function () {
    if (document.visibilityState === "hidden") { save(true); return; }
    if (!signedOut) return;
    if (await keep(false) !== "kept") return;
    signedOut = false;
    if (!word.draft) say(word.wordBack);
  });

  var lost = document.getElementById("lost") || document.querySelector(".error-summary");
  if (lost) lost.focus();
})();
