// What form pages can do better with a script: rows come and go, cells take a paste from a spreadsheet, totals follow,
// fields that do not matter step aside. Without it every form works with blank rows and the paste box.
(function () {
  "use strict";

  var THAI_ZERO = "๐".charCodeAt(0);

  function number(text) {
    var plain = text.replace(/[๐-๙]/g, function (digit) { return String(digit.charCodeAt(0) - THAI_ZERO); }).replace(/฿|บาท/g, "").replace(/\s+/g, " ").trim();
    // Blanks and commas stand between groups of three digits only: the server asks back anything else, and "12 34" is no 1234.
    return /^-?(\d{1,3}(,\d{3})+|\d{1,3}( \d{3})+|\d+)(\.\d+)?$/.test(plain) ? Number(plain.replace(/[ ,]/g, "")) : 0;
  }

  // Rows of cells as a spreadsheet copies them: a cell with a line break or a quotation mark comes in quotation marks.
  function cellsOf(text) {
    var rows = [[""]];
    var quoted = false;
    var fresh = true;
    text = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "");
    for (var at = 0; at < text.length; at += 1) {
      var letter = text[at];
      var row = rows[rows.length - 1];
      if (quoted && letter === '"') {
        if (text[at + 1] === '"') { row[row.length - 1] += '"'; at += 1; } else { quoted = false; }
      } else if (letter === '"' && fresh && /^"(?:[^"]|"")*"(?:[\t\n]|$)/.test(text.slice(at))) {
        quoted = true;
        fresh = false;
      } else if (!quoted && letter === "\t") {
        row.push("");
        fresh = true;
      } else if (!quoted && letter === "\n") {
        rows.push([""]);
        fresh = true;
      } else {
        row[row.length - 1] += letter;
        fresh = false;
      }
    }
    return rows;
  }

  // One copied column has no tab between cells; its table in the other form of the clipboard gives it away.
  function isFromSheet(text, markup) {
    return /\t/.test(text) || (/\n./.test(text) && /<table[\s>]/i.test(markup));
  }

  function changed(element) {
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }

  var MANY_CARDS = 3;

  function tableIn(field) {
    var box = field.querySelector("[data-table]");
    var body = box.querySelector("tbody");
    var name = box.dataset.table;
    var most = Number(box.dataset.most);
    var template = field.querySelector("template[data-row-template]");
    var add = field.querySelector("[data-add-row]");
    var status = field.querySelector("[data-table-status]");

    function rows() { return Array.prototype.slice.call(body.querySelectorAll("tr[data-row]")); }

    function inputs(row) { return Array.prototype.slice.call(row.querySelectorAll("input, select, textarea")); }

    // Numbers follow the order of the rows, so that an error's row is the row people see.
    function renumber() {
      rows().forEach(function (row, index) {
        row.querySelectorAll("[data-row-number]").forEach(function (word) { word.textContent = String(index + 1); });
        inputs(row).forEach(function (input) {
          var column = input.name.split("-").slice(2).join("-");
          input.name = name + "-" + index + "-" + column;
          input.id = "field-" + input.name;
          var spoken = input.getAttribute("aria-label");
          if (spoken) { input.setAttribute("aria-label", spoken.replace(/(\d+|__n__)$/, String(index + 1))); }
        });
        row.querySelectorAll("[data-remove-row]").forEach(function (button) { button.hidden = false; });
      });
      add.disabled = rows().length >= most;
    }

    function append() {
      if (rows().length >= most) { return null; }
      body.appendChild(template.content.cloneNode(true));
      renumber();
      return rows().pop();
    }

    function total() {
      box.querySelectorAll("[data-total]").forEach(function (cell) {
        var sum = 0;
        rows().forEach(function (row) {
          var input = inputs(row).find(function (each) { return each.name.endsWith("-" + cell.dataset.total); });
          sum += input ? Math.round(number(input.value) * 100) : 0;
        });
        cell.textContent = (sum / 100).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
      });
    }

    // Whether the cell could take it.
    function fill(input, text) {
      if (input.tagName === "SELECT") {
        var wanted = Array.prototype.find.call(input.options, function (option) { return option.value === text || option.text === text; });
        input.value = wanted ? wanted.value : "";
        return Boolean(wanted) || !text;
      }
      if (input.readOnly) { return input.value === text || !text; }
      input.value = input.tagName === "TEXTAREA" ? text : text.replace(/\s*\n\s*/g, " ");
      return true;
    }

    // Where rows are cards, one blank card is enough: more are a click away.
    function trim() {
      var last = rows().pop();
      if (!last || getComputedStyle(last).display !== "grid") { return; }
      var blank = rows().filter(function (row) { return inputs(row).every(function (input) { return !input.value; }); });
      blank.slice(1).forEach(function (row) { row.remove(); });
    }

    function isCard(row) { return getComputedStyle(row).display === "grid"; }

    // What tells a folded row from the others: the first two answers in it that do not say the same.
    function summarise(row) {
      var said = inputs(row).map(function (input) {
        return input.tagName === "SELECT" ? (input.value && input.selectedOptions[0] ? input.selectedOptions[0].text : "") : input.type === "hidden" ? "" : input.value;
      });
      row.querySelector("[data-row-summary]").textContent = said.map(function (text) { return text.trim(); }).filter(function (text, place, all) {
        return text && !all.slice(0, place).some(function (earlier) { return earlier.includes(text); });
      }).slice(0, 2).join(" · ");
    }

    function fold(row, folded) {
      row.classList.toggle("is-folded", folded);
      row.querySelector("[data-fold-row]").setAttribute("aria-expanded", String(!folded));
    }

    // Many filled cards are a long way on a phone: each can be folded, and begins so where nothing is wrong with it.
    function offerFolds(begin) {
      rows().forEach(summarise);
      var filled = rows().filter(function (row) { return row.querySelector("[data-row-summary]").textContent; });
      rows().forEach(function (row) {
        var offered = filled.length >= MANY_CARDS && filled.indexOf(row) >= 0 && isCard(row);
        row.querySelector("[data-fold-row]").hidden = !offered;
        if (!offered) { fold(row, false); }
        else if (begin) { fold(row, !row.querySelector(".form-error")); }
      });
    }

    function focusOn(row) {
      (row.classList.contains("is-folded") ? row.querySelector("[data-fold-row]") : inputs(row)[0]).focus();
    }

    function paste(event) {
      var target = event.target;
      var text = event.clipboardData ? event.clipboardData.getData("text/plain") : "";
      var markup = event.clipboardData ? event.clipboardData.getData("text/html") : "";
      if (!target.closest("tr[data-row]") || !isFromSheet(text, markup)) { return; }
      event.preventDefault();
      var lines = cellsOf(text);
      var row = target.closest("tr[data-row]");
      var first = inputs(row).indexOf(target);
      var left = 0;
      var unfit = 0;
      lines.forEach(function (line, number) {
        if (!row) { left += 1; return; }
        var cells = inputs(row);
        line.forEach(function (cell, offset) {
          var input = cells[first + offset];
          if (input ? !fill(input, cell.trim()) : cell.trim()) { unfit += 1; }
        });
        if (number < lines.length - 1) { row = row.nextElementSibling || append(); }
      });
      status.textContent = status.dataset.wordPasted.replace("{done}", lines.length - left).replace("{all}", lines.length)
        + (unfit ? " " + status.dataset.wordUnfit.replace("{n}", unfit) : "");
      total();
      offerFolds(false);
      changed(box);
    }

    add.hidden = false;
    add.addEventListener("click", function () {
      var row = append();
      if (row) { offerFolds(false); inputs(row)[0].focus(); changed(box); }
    });
    body.addEventListener("click", function (event) {
      var button = event.target.closest("[data-remove-row]");
      if (!button) { return; }
      var row = button.closest("tr[data-row]");
      var next = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      renumber();
      total();
      offerFolds(false);
      if (next) { focusOn(next); } else { add.focus(); }
      changed(box);
    });
    body.addEventListener("click", function (event) {
      var button = event.target.closest("[data-fold-row]");
      if (button) { fold(button.closest("tr[data-row]"), button.getAttribute("aria-expanded") === "true"); }
    });
    body.addEventListener("paste", paste);
    body.addEventListener("input", total);
    body.addEventListener("input", function (event) {
      var row = event.target.closest("tr[data-row]");
      if (row) { summarise(row); }
    });
    window.addEventListener("resize", function () { offerFolds(false); });
    trim();
    renumber();
    offerFolds(true);
  }

  // A field that another answer makes pointless steps aside; what was typed in it stays and is sent.
  function showWhen(field) {
    var form = field.closest("form");
    var wanted = JSON.parse(field.dataset.showValues).map(String);
    var watched = form.querySelectorAll('[name="' + field.dataset.showWhen + '"]');
    if (!watched.length) { return; }
    function decide() {
      var chosen = Array.prototype.filter.call(watched, function (input) {
        return input.type === "radio" || input.type === "checkbox" ? input.checked : true;
      }).map(function (input) { return input.value; });
      var fits = chosen.some(function (value) { return wanted.indexOf(value) >= 0; });
      field.classList.toggle("is-hidden", !fits && !field.classList.contains("has-error"));
    }
    watched.forEach(function (input) { input.addEventListener("change", decide); });
    decide();
  }

  function prepare(root) {
    root.querySelectorAll(".form-field-table:not([data-ready])").forEach(function (field) {
      field.dataset.ready = "yes";
      tableIn(field);
    });
    root.querySelectorAll("[data-show-when]:not([data-ready])").forEach(function (field) {
      field.dataset.ready = "yes";
      showWhen(field);
    });
    root.querySelectorAll("[data-offer]").forEach(function (button) { button.hidden = false; });
    var summary = root.querySelector("[data-error-summary]");
    if (summary) {
      summary.focus();
      if (summary.getBoundingClientRect().bottom > window.innerHeight - 40) { summary.scrollIntoView({ block: "center" }); }
    }
  }

  // What the case knows is answered with a click, never by itself.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-offer]");
    if (!button) { return; }
    var asked = button.form.elements[button.dataset.offerTo];
    var inputs = asked instanceof RadioNodeList ? Array.from(asked) : [asked];
    inputs.forEach(function (input) {
      if (input.type === "radio") { input.checked = input.value === button.dataset.offer; } else { input.value = button.dataset.offer; }
    });
    var chosen = inputs.find(function (input) { return input.type !== "radio" || input.checked; });
    if (!chosen) { return; }
    chosen.focus();
    ["input", "change"].forEach(function (name) { chosen.dispatchEvent(new Event(name, { bubbles: true })); });
  });

  // A link of the error summary must lead to an input even where an optional part is folded.
  document.addEventListener("click", function (event) {
    var link = event.target.closest(".error-summary a[href^='#']");
    var target = link && document.getElementById(link.hash.slice(1));
    if (!target) { return; }
    var fold = target.closest("details");
    if (fold) { fold.open = true; }
    event.preventDefault();
    target.focus();
    target.scrollIntoView({ block: "center" });
  });

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", function () { prepare(document); });
  } else {
    prepare(document);
  }
  document.addEventListener("htmx:load", function (event) { prepare(event.target); });
})();
