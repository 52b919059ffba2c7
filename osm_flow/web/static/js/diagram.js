/* Draws a process diagram and, when there is one, the live case in it: where it stands, what it passed, what is late.
   Everything that it shows is also in the list beside it; without JavaScript that list is the diagram. */
(function () {
  "use strict";

  var NEAR = 0.85; // how large a part is drawn that is to be read
  var EDGE = 24; // pixels of the frame that no process fills
  var LEAST = 140;
  var PAPER = 660; // CSS pixels between the margins of A4
  var JOINER = "\uFEFF"; // drawn with no width, yet white space to the library's line breaker
  var segmenter = window.Intl && Intl.Segmenter ? new Intl.Segmenter("th", { granularity: "word" }) : null;

  function breakable(text) {
    if (!segmenter || !/[\u0E00-\u0E7F]/.test(text)) return text;
    var out = "";
    for (var part of segmenter.segment(text)) {
      if (out && part.isWordLike && !/\s$/.test(out)) out += JOINER;
      out += part.segment;
    }
    return out;
  }

  /* The renderer breaks lines at white space only and Thai has none between words: it would cut a word in two. */
  function teachThai(renderer) {
    ["createText", "getExternalLabelBounds", "getTextAnnotationBounds"].forEach(function (name) {
      var original = renderer[name];
      renderer[name] = function () {
        var args = Array.prototype.slice.call(arguments);
        var at = typeof args[0] === "string" ? 0 : 1;
        if (typeof args[at] === "string") args[at] = breakable(args[at]);
        var drawn = original.apply(renderer, args);
        return name === "createText" ? besideIcon(drawn, args, original.bind(renderer)) : drawn;
      };
    });
  }

  /* A label of four lines or more would run under the icon in the task's corner: smaller, and a little lower. */
  function besideIcon(text, args, draw) {
    var options = args[1] || {};
    var isTask = options.align === "center-middle" && options.box && options.box.height <= 100;
    if (!isTask || text.querySelectorAll("tspan").length < 4) return text;
    var small = draw(args[0], Object.assign({}, options, { style: Object.assign({}, options.style, { fontSize: "10.5px" }) }));
    small.setAttribute("transform", "translate(0 8)");
    return small;
  }

  function element(name, className, text) {
    var node = document.createElement(name);
    node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function markPath(viewer, picture) {
    var canvas = viewer.get("canvas");
    var registry = viewer.get("elementRegistry");
    /* Sets, because an element may be called as what every object has: `constructor`. */
    var passed = new Set(Object.keys(picture.passed || {}));
    var alive = new Set((picture.tokens || []).map(function (token) { return token.element; }));
    passed.forEach(function (id) {
      if (registry.get(id) && !alive.has(id)) canvas.addMarker(id, "is-done");
    });
    registry.filter(function (e) { return e.type === "bpmn:SequenceFlow"; }).forEach(function (flow) {
      var walked = passed.has(flow.id) || (passed.has(flow.source.id) &&
        (passed.has(flow.target.id) || alive.has(flow.target.id)) && flow.source.outgoing.length === 1);
      if (walked) canvas.addMarker(flow.id, "is-done");
    });
  }

  function badge(viewer, id, className, text, label, position) {
    var node = element("span", "diagram-badge " + className, text);
    node.title = label;
    var isSmallToo = className !== "is-done";
    viewer.get("overlays").add(id, { position: position, html: node, show: { minZoom: isSmallToo ? 0 : 0.2 }, scale: isSmallToo ? { min: 0.8, max: 1.5 } : true });
  }

  function markTokens(viewer, picture, words) {
    var canvas = viewer.get("canvas");
    var registry = viewer.get("elementRegistry");
    (picture.tokens || []).forEach(function (token) {
      if (!registry.get(token.element)) return;
      var late = Boolean(token.overdue);
      canvas.addMarker(token.element, late ? "is-late" : "is-now");
      var waits = /Event|ReceiveTask/.test(registry.get(token.element).type) ? words.waits : words.now;
      var here = picture.here === token.element ? words.here : late ? words.late : waits;
      var text = (late ? "! " : "▶ ") + here + (token.count > 1 ? " ×" + token.count : "");
      badge(viewer, token.element, late ? "is-late" : "is-now", text, here, { top: -14, left: 26 });
    });
    Object.keys(picture.passed || {}).forEach(function (id) {
      var shape = registry.get(id);
      if (!shape || !/Task|Activity|SubProcess/.test(shape.type) || picture.passed[id] < 2) return;
      badge(viewer, id, "is-done", "✓ ×" + picture.passed[id], words.visits.replace("{n}", picture.passed[id]), { bottom: 10, right: 22 });
    });
  }

  /* What the record that is looked at was about. */
  function markActed(viewer, picture, words) {
    var shape = picture.acted && viewer.get("elementRegistry").get(picture.acted);
    if (!shape || !words.acted) return;
    viewer.get("canvas").addMarker(picture.acted, "is-acted");
    badge(viewer, picture.acted, "is-acted", "◆ " + words.acted, words.acted, { top: shape.height + 4, left: 0 });
  }

  function wipe(viewer) {
    var canvas = viewer.get("canvas");
    viewer.get("overlays").clear();
    viewer.get("elementRegistry").forEach(function (shape) {
      ["is-done", "is-now", "is-late", "is-acted"].forEach(function (mark) { canvas.removeMarker(shape.id, mark); });
    });
  }

  function paint(viewer, picture, words) {
    wipe(viewer);
    markPath(viewer, picture);
    markTokens(viewer, picture, words);
    markActed(viewer, picture, words);
  }

  /* Follows the case when it moves out of the part that is seen; stays put otherwise. */
  function follow(viewer, picture) {
    var canvas = viewer.get("canvas");
    var names = picture.acted ? [picture.acted] : (picture.tokens || []).map(function (token) { return token.element; });
    var shapes = names.map(function (name) { return viewer.get("elementRegistry").get(name); }).filter(Boolean);
    var box = canvas.viewbox();
    var seen = shapes.some(function (shape) {
      return shape.x >= box.x && shape.y >= box.y && shape.x + shape.width <= box.x + box.width && shape.y + shape.height <= box.y + box.height;
    });
    if (seen || !shapes.length) return;
    canvas.viewbox({ x: shapes[0].x + shapes[0].width / 2 - box.width / 2, y: shapes[0].y + shapes[0].height / 2 - box.height / 2, width: box.width, height: box.height });
  }

  function focusOf(viewer, picture) {
    var name = picture.here || picture.acted || ((picture.tokens || [])[0] || {}).element;
    return name && viewer.get("elementRegistry").get(name);
  }

  /* Large enough to read, around where the case stands. */
  function near(viewer, picture, frame) {
    var canvas = viewer.get("canvas");
    var shape = focusOf(viewer, picture);
    var box = canvas.viewbox();
    var width = frame.clientWidth / NEAR;
    var height = frame.clientHeight / NEAR;
    var centre = shape ? { x: shape.x + shape.width / 2, y: shape.y + shape.height / 2 } : { x: box.inner.x + width / 2 - 20, y: box.inner.y + box.inner.height / 2 };
    canvas.viewbox({ x: centre.x - width / 2, y: centre.y - height / 2, width: width, height: height });
  }

  /* The whole process, in a frame just as high as it needs and never higher than the style sheet gives it: no empty
     space above or below. Wide processes may have the page's whole width. */
  function whole(viewer, holder, frame) {
    var canvas = viewer.get("canvas");
    var inner = canvas.viewbox().inner;
    holder.classList.toggle("is-wide", inner.width > 2 * inner.height);
    frame.style.height = "";
    var needed = Math.ceil(inner.height * Math.min(1, frame.clientWidth / inner.width)) + EDGE;
    if (needed < frame.clientHeight) frame.style.height = Math.max(LEAST, needed) + "px";
    canvas.resized();
    canvas.zoom("fit-viewport", "auto");
    holder.dataset.shows = "whole";
  }

  /* Beside a work item its own step is read; everywhere else the process is seen whole first. */
  function show(viewer, picture, holder, frame) {
    viewer.get("canvas").zoom("fit-viewport", "auto");
    if (!picture.here) return whole(viewer, holder, frame);
    if (viewer.get("canvas").zoom() < 0.7) near(viewer, picture, frame);
  }

  function controls(viewer, holder, frame, now) {
    var canvas = viewer.get("canvas");
    var acts = {
      fit: function () { whole(viewer, holder, frame); },
      near: function () { frame.style.height = ""; canvas.resized(); near(viewer, now.picture, frame); },
      in: function () { canvas.zoom(Math.min(4, canvas.zoom() * 1.25), "auto"); },
      out: function () { canvas.zoom(Math.min(canvas.zoom(), Math.max(0.05, canvas.zoom() * 0.8)), "auto"); },
    };
    holder.querySelectorAll("[data-zoom]").forEach(function (button) {
      button.hidden = button.dataset.zoom === "near" && !focusOf(viewer, now.picture);
      button.addEventListener("click", function () {
        if (button.dataset.zoom !== "fit") delete holder.dataset.shows;
        acts[button.dataset.zoom]();
      });
    });
    window.addEventListener("resize", function () { if (holder.dataset.shows && !frame.style.zoom) whole(viewer, holder, frame); });
    /* Paper is narrower than most windows: the frame with all that lies on it shrinks to it. */
    window.addEventListener("beforeprint", function () {
      var width = frame.offsetWidth;
      if (width <= PAPER) return;
      frame.style.width = width + "px";
      frame.style.zoom = PAPER / width;
    });
    window.addEventListener("afterprint", function () { frame.style.zoom = frame.style.width = ""; });
    frame.addEventListener("keydown", function (event) {
      var step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (!step) return;
      event.preventDefault();
      delete holder.dataset.shows;
      viewer.get("canvas").scroll({ dx: step[0], dy: step[1] });
    });
  }

  /* The wheel scrolls the page as everywhere; Ctrl and the wheel zoom. */
  function freeTheWheel(frame) {
    frame.addEventListener("wheel", function (event) {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    }, { capture: true });
  }

  function fail(holder, status) {
    status.textContent = holder.dataset.wordFailed;
    status.hidden = false;
    holder.classList.add("is-failed");
  }

  async function draw(holder) {
    if (holder.dataset.drawn) return;
    holder.dataset.drawn = "yes";
    var frame = holder.querySelector("[data-diagram-frame]");
    var status = holder.querySelector("[data-diagram-status]");
    var words = { now: holder.dataset.wordNow, waits: holder.dataset.wordWaits, late: holder.dataset.wordLate, here: holder.dataset.wordHere, visits: holder.dataset.wordVisits, acted: holder.dataset.wordActed };
    status.textContent = holder.dataset.wordLoading;
    frame.hidden = false;
    try {
      var answer = await fetch(holder.dataset.src, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (!answer.ok || typeof window.BpmnJS !== "function") return fail(holder, status);
      var picture = await answer.json();
      picture.here = holder.dataset.here || null;
      var viewer = new window.BpmnJS({ container: frame, textRenderer: { defaultStyle: { fontFamily: getComputedStyle(document.body).fontFamily, lineHeight: 1.35 } } });
      teachThai(viewer.get("textRenderer"));
      await viewer.importXML(picture.xml);
      paint(viewer, picture, words);
      show(viewer, picture, holder, frame);
      var now = { picture: picture };
      holder.addEventListener("diagram:show", function (event) {
        now.picture = event.detail;
        paint(viewer, event.detail, words);
        if (!holder.dataset.shows) follow(viewer, event.detail);
      });
      controls(viewer, holder, frame, now);
      freeTheWheel(frame);
      status.textContent = "";
      status.hidden = true;
      holder.dataset.ready = "yes";
      holder.dispatchEvent(new CustomEvent("diagram:ready"));
    } catch (error) {
      fail(holder, status);
    }
  }

  /* A diagram inside something folded is drawn when it is opened: it cannot measure itself before. */
  function prepare(holder) {
    var fold = holder.closest("details");
    if (!fold || fold.open) return draw(holder);
    fold.addEventListener("toggle", function () { if (fold.open) draw(holder); });
  }

  document.querySelectorAll("[data-diagram]").forEach(prepare);
  document.addEventListener("htmx:afterSettle", function (event) {
    event.target.querySelectorAll("[data-diagram]").forEach(prepare);
  });
})();
