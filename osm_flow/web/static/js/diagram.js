/* Draws a process diagram and, when there is one, the live case in it: where it stands, what it passed, what is late.
   Everything that it shows is also in the list beside it; without JavaScript that list is the diagram. */
(function () {
  "use strict";

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
    viewer.get("overlays").add(id, { position: position, html: node, show: { minZoom: 0.2 } });
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

  /* A tired reader sees where the case stands, not the whole map in letters too small to read. */
  function show(viewer, picture, frame) {
    var canvas = viewer.get("canvas");
    canvas.zoom("fit-viewport", "auto");
    if (canvas.zoom() >= 0.7) return;
    var focus = picture.here || picture.acted || ((picture.tokens || [])[0] || {}).element;
    var shape = focus && viewer.get("elementRegistry").get(focus);
    var box = canvas.viewbox();
    var scale = 0.85;
    var width = frame.clientWidth / scale;
    var height = frame.clientHeight / scale;
    var centre = shape ? { x: shape.x + shape.width / 2, y: shape.y + shape.height / 2 } : { x: box.inner.x + width / 2 - 20, y: box.inner.y + box.inner.height / 2 };
    canvas.viewbox({ x: centre.x - width / 2, y: centre.y - height / 2, width: width, height: height });
  }

  function controls(viewer, holder, frame) {
    holder.querySelectorAll("[data-zoom]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        var canvas = viewer.get("canvas");
        var how = button.dataset.zoom;
        if (how === "fit") canvas.zoom("fit-viewport", "auto");
        else canvas.zoom(Math.min(4, Math.max(0.2, canvas.zoom() * (how === "in" ? 1.25 : 0.8))), "auto");
      });
    });
    frame.addEventListener("keydown", function (event) {
      var step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (!step) return;
      event.preventDefault();
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
      show(viewer, picture, frame);
      holder.addEventListener("diagram:show", function (event) {
        paint(viewer, event.detail, words);
        follow(viewer, event.detail);
      });
      controls(viewer, holder, frame);
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
