/* Keys of the inbox, and filters that apply as they are chosen. The page works without this file. */
(function () {
  "use strict";

  document.querySelectorAll("[data-submit]").forEach(function (field) {
    field.addEventListener("change", function () { field.form.requestSubmit(); });
  });

  // On a phone the list comes first: the choices fold away behind one button, unless one of them is in use.
  var fold = document.querySelector("[data-filter-fold]");
  if (fold) {
    var bar = fold.closest("form");
    var isUsed = Array.prototype.some.call(bar.querySelectorAll("select:not([name=sort])"), function (field) { return field.value; });
    var show = function (isShown) {
      bar.classList.toggle("is-folded", !isShown);
      fold.setAttribute("aria-expanded", String(isShown));
    };
    fold.hidden = false;
    fold.addEventListener("click", function () { show(bar.classList.contains("is-folded")); });
    show(isUsed);
  }

  var list = document.querySelector("[data-inbox]");
  var help = document.querySelector("[data-help]");
  var helpButton = document.querySelector("[data-help-open]");
  var count = document.querySelector("[data-bulk-count]");
  var result = document.getElementById("bulk-result");
  if (result) result.focus();

  function rows() { return list ? Array.prototype.slice.call(list.querySelectorAll("[data-row]")) : []; }
  function current() { return list && list.querySelector("[data-row].is-current"); }

  function select(row) {
    var before = current();
    if (before) before.classList.remove("is-current");
    row.classList.add("is-current");
    row.querySelector("[data-open]").focus();
    row.scrollIntoView({ block: "nearest" });
  }

  function move(by) {
    var all = rows();
    if (!all.length) return;
    var at = all.indexOf(current());
    select(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]);
  }

  function tick(row) {
    var box = row.querySelector("input[type=checkbox]");
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  var acts = {
    j: function () { move(1); },
    k: function () { move(-1); },
    x: function () { if (current()) tick(current()); },
    c: function () { var button = current() && current().querySelector("[data-claim]"); if (button) button.click(); },
    e: function () { var link = current() && current().querySelector("[data-open]"); if (link) location.href = link.href + "#form"; },
    Enter: function () { var link = current() && current().querySelector("[data-open]"); if (link) link.click(); },
    "/": function () { var field = document.getElementById("f-text"); field.focus(); field.select(); },
    "?": function () { if (help && help.showModal) help.showModal(); },
  };

  function isTyping(target) { return target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]"); }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "Enter" && event.target.closest("a, button, input, summary")) return;
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });

  if (list) {
    list.addEventListener("focusin", function (event) {
      var row = event.target.closest("[data-row]");
      if (!row || row === current()) return;
      if (current()) current().classList.remove("is-current");
      row.classList.add("is-current");
    });
    list.addEventListener("change", function () {
      var n = list.querySelectorAll("input[type=checkbox]:checked").length;
      count.textContent = n ? count.dataset.word.replace("{n}", n) : "";
    });
  }
  if (helpButton && help && help.showModal) {
    helpButton.hidden = false;
    helpButton.addEventListener("click", function () { help.showModal(); });
  }
})();
