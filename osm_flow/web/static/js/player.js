/* Plays the records of a case: step, drag, jump, forward and back. The server made every sheet; this only fetches the
   neighbours ahead of time and shows the one that is wanted. Without it the same buttons are links. */
(function () {
  "use strict";

  var player = document.querySelector("[data-player]");
  if (!player) return;
  var sheet = document.querySelector("[data-moment]");
  var diagram = document.querySelector("[data-diagram]");
  var range = player.querySelector("[data-range]");
  var positionLine = player.querySelector("[data-position]");
  var playButton = player.querySelector("[data-play]");
  var speed = player.querySelector("[data-speed]");
  var total = Number(player.dataset.total);
  var now = Number(player.dataset.seq);
  var wanted = now;
  var known = new Map();
  var lines = new Map();
  var coming = new Map();
  var timer = null;
  var AHEAD = 12;
  var BEHIND = 3;
  var MOST_KEPT = 400;

  function page(seq) { return player.dataset.page.replace(/\/0$/, "/" + seq); }
  function clamp(seq) { return Math.min(total, Math.max(1, seq)); }

  function getJson(url) {
    return fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
  }

  function keep(item) {
    known.set(item.seq, item);
    if (known.size > MOST_KEPT) known.delete(known.keys().next().value);
  }

  /* One request for each stretch, however often it is wanted meanwhile; `first` is the nearest, the server may stop short of `last`. */
  function load(first, last) {
    first = clamp(first);
    last = clamp(last);
    var key = first + "-" + last;
    if (!coming.has(key)) {
      coming.set(key, getJson(player.dataset.moments + "?first=" + first + "&last=" + last).then(function (answer) {
        answer.items.forEach(keep);
      }).finally(function () { coming.delete(key); }));
    }
    return coming.get(key);
  }

  /* The request under way that may bring this record. */
  function underWay(seq) {
    var found = null;
    coming.forEach(function (promise, key) {
      var ends = key.split("-").map(Number);
      if (seq >= Math.min(ends[0], ends[1]) && seq <= Math.max(ends[0], ends[1])) found = promise;
    });
    return found;
  }

  function prefetch(direction, howFar) {
    for (var step = 1; step <= howFar; step += 1) {
      var seq = now + step * direction;
      if (seq < 1 || seq > total || underWay(seq)) return;
      if (!known.has(seq)) {
        load(seq, seq + direction * (howFar * 2 - 1)).catch(function () { /* said when it is really wanted */ });
        return;
      }
    }
  }

  function openFolds() {
    return Array.prototype.map.call(sheet.querySelectorAll("details[open]"), function (fold) { return foldName(fold); });
  }

  function foldName(fold) { return fold.dataset.fold || fold.querySelector("summary").textContent.trim(); }

  function show(item) {
    var direction = item.seq < now ? -1 : 1;
    var opened = openFolds();
    now = item.seq;
    sheet.innerHTML = item.sheet;
    sheet.querySelectorAll("details").forEach(function (fold) { fold.open = opened.indexOf(foldName(fold)) >= 0; });
    sheet.dataset.shown = String(now);
    positionLine.textContent = item.position;
    range.value = String(now);
    range.setAttribute("aria-valuetext", item.position);
    steps();
    if (diagram) diagram.dispatchEvent(new CustomEvent("diagram:show", { detail: item }));
    history.replaceState(null, "", page(now));
    prefetch(direction, AHEAD);
    prefetch(-direction, BEHIND);
  }

  function go(seq) {
    wanted = clamp(seq);
    if (wanted === now && sheet.dataset.shown) return Promise.resolve();
    var item = known.get(wanted);
    if (item) { show(item); return Promise.resolve(); }
    var asked = wanted;
    sheet.setAttribute("aria-busy", "true");
    return (underWay(asked) || load(asked, asked)).then(function () {
      return wanted !== asked || known.has(asked) ? null : load(asked, asked);
    }).then(function () {
      if (wanted === asked && known.has(asked)) show(known.get(asked));
    }).catch(function () {
      pause();
      positionLine.textContent = player.dataset.wordFailed;
    }).finally(function () { sheet.removeAttribute("aria-busy"); });
  }

  function steps() {
    var targets = { first: 1, back: now - 1, forward: now + 1, last: total };
    player.querySelectorAll("[data-step]").forEach(function (link) {
      var seq = targets[link.dataset.step];
      if (seq < 1 || seq > total || seq === now) {
        link.removeAttribute("href");
        link.setAttribute("role", "link");
        link.setAttribute("aria-disabled", "true");
      } else {
        link.href = page(seq);
        link.removeAttribute("role");
        link.removeAttribute("aria-disabled");
      }
    });
  }

  function sayPlaying(isPlaying) {
    playButton.setAttribute("aria-pressed", String(isPlaying));
    player.querySelector("[data-play-sign]").textContent = isPlaying ? "‖" : "▶";
    player.querySelector("[data-play-word]").textContent = isPlaying ? player.dataset.wordPause : player.dataset.wordPlay;
  }

  function pause() {
    window.clearTimeout(timer);
    timer = null;
    sayPlaying(false);
  }

  function tick() {
    if (now >= total) return pause();
    go(now + 1).then(function () {
      if (timer !== null) timer = window.setTimeout(tick, Number(speed.value));
    });
  }

  function play() {
    sayPlaying(true);
    timer = window.setTimeout(tick, 0);
    if (now >= total) go(1);
  }

  function toggle() { if (timer === null) play(); else pause(); }

  /* While the knob is dragged the line says where it is; the sheet follows when it rests. */
  var resting = null;
  function drag() {
    pause();
    var seq = Number(range.value);
    var line = lines.get(seq);
    if (line) positionLine.textContent = seq + " / " + total + " · " + line;
    else loadLines(seq);
    window.clearTimeout(resting);
    resting = window.setTimeout(function () { go(seq); }, known.has(seq) ? 0 : 120);
  }

  var linesAsked = new Set();
  function loadLines(seq) {
    var after = Math.floor((seq - 1) / 500) * 500;
    if (linesAsked.has(after)) return;
    linesAsked.add(after);
    getJson(player.dataset.course + "?after=" + after).then(function (answer) {
      answer.items.forEach(function (line) { lines.set(line[0], line[1] + " · " + line[2]); });
    }).catch(function () { linesAsked.delete(after); });
  }

  function isTyping(target) { return target.closest("input:not([type=range]), textarea, select, [contenteditable]"); }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    var isButton = event.target.closest("button, a, summary");
    if (event.key === " " && isButton) return;
    if (event.target.closest("[data-diagram-frame], .table-scroll, .form-table-box") && event.key !== " ") return;
    var act = {
      " ": toggle,
      ArrowRight: function () { pause(); go(wanted + 1); },
      ArrowLeft: function () { pause(); go(wanted - 1); },
      Home: function () { pause(); go(1); },
      End: function () { pause(); go(total); },
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  player.addEventListener("click", function (event) {
    var link = event.target.closest("[data-step]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    pause();
    go({ first: 1, back: now - 1, forward: now + 1, last: total }[link.dataset.step]);
  });

  playButton.addEventListener("click", toggle);
  range.addEventListener("input", drag);
  if (diagram) diagram.addEventListener("diagram:ready", function () {
    if (known.has(now)) diagram.dispatchEvent(new CustomEvent("diagram:show", { detail: known.get(now) }));
  });
  [playButton, range, speed, player.querySelector("[data-keys]")].forEach(function (part) { part.hidden = false; });
  sheet.dataset.shown = String(now);
  player.dataset.ready = "yes";
  load(now, now + AHEAD).catch(function () { /* said when it is really wanted */ });
  prefetch(-1, BEHIND);
})();
