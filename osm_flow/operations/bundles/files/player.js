"use strict";
(function () {
  const WORDS = {
    th: {
      case: "เรื่อง", waiting: "งานที่รออยู่หลังรายการนี้", changes: "ข้อมูลที่เปลี่ยน", variable: "ข้อมูล", before: "ก่อน", after: "หลัง",
      typed: "สิ่งที่กรอกหรือพบ", all: "รายการทั้งหมด", at: "เวลา", who: "ผู้ทำ", role: "ในฐานะ", behalf: "แทน", stated: "ตามที่ระบุ", party: "บันทึกคำตอบแทน", step: "ขั้นตอน", hash: "รหัสหลักฐาน",
      due: "ครบกำหนด", nothing: "ไม่มี", other: "English", erased: "ข้อมูลนี้ถูกลบตามกฎหมาย", none: "ชุดนี้ไม่มีข้อมูลที่กรอก", unknown: "ไม่มีภาพสถานะของรายการนี้",
      warning: "หน้านี้มีไว้อ่าน ไม่ใช่หลักฐาน ตรวจหลักฐานด้วย verify.py", of: "จาก", first: "รายการแรก", back: "ย้อนกลับ", play: "เล่น", next: "ถัดไป", last: "รายการล่าสุด", line: "เส้นเวลา", diagram: "แผนภาพ", system: "ระบบ", signed: "หัวบันทึกรวม", child: "เรื่องย่อย",
    },
    en: {
      case: "Case", waiting: "Waiting after this record", changes: "What changed in the data", variable: "Variable", before: "Before", after: "After",
      typed: "What was typed or found", all: "All records", at: "Time", who: "Actor", role: "As", behalf: "On behalf of", stated: "as stated", party: "Answer written down for", step: "Step", hash: "Hash",
      due: "due", nothing: "nothing", other: "ไทย", erased: "The payload was lawfully erased", none: "This bundle has no payloads", unknown: "There is no state for this record",
      warning: "This page is for reading and proves nothing; verify.py checks the evidence", of: "of", first: "First record", back: "Back", play: "Play", next: "Next", last: "Newest record", line: "Time line", diagram: "Diagram", system: "the system", signed: "checkpoint", child: "child",
    },
  };
  const KINDS = {
    "case.started": "เริ่มเรื่อง", "work_item.completed": "ทำงานเสร็จ", "work_item.claimed": "รับงาน", "work_item.released": "คืนงาน",
    "work_item.delegated": "มอบหมายต่อ", "work_item.reassigned": "เปลี่ยนผู้รับผิดชอบ", "work_item.escalated": "แจ้งเตือนตามลำดับ", "timer.fired": "ถึงเวลา",
    "message.received": "บันทึกคำตอบ", "child.ended": "เรื่องย่อยสิ้นสุด", "child.escalated": "เรื่องย่อยแจ้งยกระดับ", "service.finished": "ระบบทำงานเสร็จ", "case.commented": "ความเห็น",
    "case.attached": "แนบไฟล์", "case.replanned": "ปรับกำหนดตามปฏิทิน", "case.suspended": "พักเรื่อง", "case.resumed": "เดินเรื่องต่อ",
    "case.cancelled": "ยกเลิกเรื่อง", "payloads.erased": "ลบข้อมูลตามกฎหมาย", "incident.opened": "เกิดเหตุขัดข้อง", "work_item.due_moved": "เลื่อนกำหนด",
  };
  const all = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  let language = "th", current = 0, seq = 1, timer = null, drawing = null;
  const histories = new Map();

  const make = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const svg = (name, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const word = (key) => WORDS[language][key];
  const partyOf = (answer) => [answer.party_name, [answer.answerer, answer.channel, answer.number, answer.date].filter(Boolean).join(" · ")].filter(Boolean).join(" – ");
  // Elements, variables and people may be called as what every object has: `constructor`.
  const named = (names, name) => (names && Object.hasOwn(names, name) ? names[name] : undefined);
  const nothing = () => Object.create(null);
  const kindOf = (kind) => (language === "th" && named(KINDS, kind)) || kind;
  const show = (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 1));
  const instant = (text) => new Date(text).toLocaleString(language === "th" ? "th-TH-u-ca-buddhist" : "en-GB", { timeZone: "Asia/Bangkok", dateStyle: "medium", timeStyle: "medium" });
  const personOf = (one, name) => (name === "system" ? word("system") : named(one.case.people, name) ? `${one.case.people[name]} (${name})` : name);

  // What is known at each record: visits are counted and data folded once for each case.
  function historyOf(index) {
    if (!histories.has(index)) {
      const one = all.cases[index], data = nothing(), visits = nothing(), moments = [];
      for (const state of one.states) {
        const changes = [];
        for (const [name, value] of Object.entries(state.set || {})) { changes.push([name, data[name], value]); data[name] = value; }
        for (const name of state.unset || []) { changes.push([name, data[name], undefined]); delete data[name]; }
        for (const element of state.passed || []) visits[element] = (visits[element] || 0) + 1;
        moments.push({ changes, visits: Object.assign(nothing(), visits), waiting: state.waiting, passed: state.passed || [] });
      }
      histories.set(index, moments);
    }
    return histories.get(index);
  }

  // ---- the diagram, from its own layout --------------------------------------------------------------------------

  class Drawing {
    constructor(xml, place) {
      const parsed = new DOMParser().parseFromString(xml, "application/xml");
      this.elements = new Map();
      for (const node of parsed.getElementsByTagName("*")) if (node.id && !node.localName.startsWith("BPMN")) this.elements.set(node.id, node);
      this.shapes = new Map();
      const tagged = (name) => [...parsed.getElementsByTagName("*")].filter((node) => node.localName === name);
      const box = (node) => { const found = [...node.children].find((one) => one.localName === "Bounds"); return found && ["x", "y", "width", "height"].map((key) => Number(found.getAttribute(key)) || 0); };
      const shapes = tagged("BPMNShape").map((node) => [node, this.elements.get(node.getAttribute("bpmnElement")), box(node)]).filter(([, element, bounds]) => element && bounds);
      const edges = tagged("BPMNEdge");
      const xs = [], ys = [];
      for (const [, , [x, y, width, height]] of shapes) { xs.push(x, x + width); ys.push(y, y + height); }
      if (!xs.length) { place.replaceChildren(); return; }
      const left = Math.min(...xs) - 30, top = Math.min(...ys) - 30, width = Math.max(...xs) - left + 60, height = Math.max(...ys) - top + 60;
      const sheet = svg("svg", { viewBox: `${left} ${top} ${width} ${height}`, width, height, "aria-hidden": "true" });
      this.marks = svg("g", {});
      this.place = place;
      this.origin = [left, top];
      const containers = new Set(["participant", "lane", "subProcess"]);
      for (const [node, element, bounds] of shapes) if (containers.has(element.localName)) this.shape(sheet, node, element, bounds, box);
      for (const edge of edges) this.edge(sheet, edge);
      for (const [node, element, bounds] of shapes) if (!containers.has(element.localName)) this.shape(sheet, node, element, bounds, box);
      sheet.append(this.marks);
      place.replaceChildren(sheet);
    }
    name(id) { const node = this.elements.get(id); return (node && node.getAttribute("name")) || id || ""; }
    shape(sheet, node, element, [x, y, width, height], box) {
      const kind = element.localName;
      let drawn;
      if (/Event$/.test(kind)) {
        drawn = svg("circle", { cx: x + width / 2, cy: y + height / 2, r: width / 2, class: "shape" });
        if (kind !== "startEvent") drawn.setAttribute("stroke-width", kind === "endEvent" ? 4 : 2.5);
      } else if (/Gateway$/.test(kind)) {
        drawn = svg("polygon", { points: `${x + width / 2},${y} ${x + width},${y + height / 2} ${x + width / 2},${y + height} ${x},${y + height / 2}`, class: "shape" });
      } else {
        drawn = svg("rect", { x, y, width, height, rx: kind === "participant" || kind === "lane" ? 0 : 8, class: kind === "participant" || kind === "lane" ? "shape frame" : "shape" });
      }
      sheet.append(drawn);
      if (/Gateway$/.test(kind)) this.text(sheet, [x, y, width, height], { exclusiveGateway: "✕", parallelGateway: "＋", inclusiveGateway: "◯", eventBasedGateway: "⬠" }[kind] || "", true);
      if (/Event$/.test(kind)) this.text(sheet, [x, y, width, height], this.sign(element), true);
      this.shapes.set(element.id, [drawn, [x, y, width, height]]);
      const label = [...node.children].find((one) => one.localName === "BPMNLabel");
      const name = element.getAttribute("name");
      if (!name) return;
      if (kind === "participant" || kind === "lane") this.sideways(sheet, [x, y, width, height], name);
      else if (/Event$|Gateway$/.test(kind)) this.text(sheet, (label && box(label)) || [x - 32, y + height + 2, width + 64, 40], name);
      else this.text(sheet, [x + 4, y + 2, width - 8, kind === "subProcess" ? 20 : height - 4], name, kind !== "subProcess");
    }
    sign(element) {
      const found = [...element.children].map((one) => one.localName).find((name) => name.endsWith("EventDefinition")) || "";
      return { timerEventDefinition: "◷", messageEventDefinition: "✉", errorEventDefinition: "⚡", escalationEventDefinition: "▲", terminateEventDefinition: "●", signalEventDefinition: "△" }[found] || "";
    }
    text(sheet, [x, y, width, height], text, inside) {
      const holder = svg("foreignObject", { x, y, width: Math.max(width, 1), height: Math.max(height, 18) });
      holder.append(make("div", inside ? "inside" : "", text));
      sheet.append(holder);
    }
    sideways(sheet, [x, y, , height], text) {
      const label = svg("text", { x: 0, y: 0, transform: `translate(${x + 19} ${y + height / 2}) rotate(-90)`, "text-anchor": "middle", "font-size": 13, fill: "currentColor" });
      label.textContent = text;
      sheet.append(label);
    }
    edge(sheet, node) {
      const element = this.elements.get(node.getAttribute("bpmnElement"));
      const points = [...node.children].filter((one) => one.localName === "waypoint").map((one) => [Number(one.getAttribute("x")), Number(one.getAttribute("y"))]);
      if (points.length < 2) return;
      sheet.append(svg("polyline", { points: points.map((point) => point.join(",")).join(" "), class: element && element.localName === "sequenceFlow" ? "edge" : "edge message" }));
      const [[ax, ay], [bx, by]] = points.slice(-2);
      const angle = (Math.atan2(by - ay, bx - ax) * 180) / Math.PI;
      sheet.append(svg("path", { d: "M0 0 L-9 -4 L-9 4 Z", transform: `translate(${bx} ${by}) rotate(${angle})`, fill: "#777d87" }));
    }
    mark(moment) {
      if (!this.marks) return;
      this.marks.replaceChildren();
      const live = nothing();
      for (const [element] of moment ? moment.waiting : []) live[element] = (live[element] || 0) + 1;
      for (const [id, [drawn, bounds]] of this.shapes) {
        const visits = moment ? moment.visits[id] || 0 : 0;
        drawn.classList.toggle("done", visits > 0);
        drawn.classList.toggle("now", id in live);
        if (visits > 1) this.badge(bounds, visits, false);
        if (id in live) this.badge(bounds, live[id], true);
      }
      const first = this.shapes.get(Object.keys(live)[0]);
      if (first) this.bring(first[1]);
    }
    bring([x, y, width, height]) {
      const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.place;
      const middle = [x - this.origin[0] + width / 2, y - this.origin[1] + height / 2];
      const isSeen = middle[0] > scrollLeft + 60 && middle[0] < scrollLeft + clientWidth - 60 && middle[1] > scrollTop + 40 && middle[1] < scrollTop + clientHeight - 40;
      if (!isSeen) this.place.scrollTo(middle[0] - clientWidth / 2, middle[1] - clientHeight / 2);
    }
    badge([x, y, width], number, isLive) {
      const at = isLive ? [x + width - 4, y + 2] : [x + 4, y + 2];
      this.marks.append(svg("circle", { cx: at[0], cy: at[1], r: 10, class: isLive ? "badge live" : "badge" }));
      const label = svg("text", { x: at[0], y: at[1] + 4, "text-anchor": "middle", class: "count" });
      label.textContent = number;
      this.marks.append(label);
    }
  }

  // ---- the page --------------------------------------------------------------------------------------------------

  function open(index, at) {
    current = index;
    const one = all.cases[index];
    $("case").value = String(index);
    $("line").max = String(Math.max(one.records.length, 1));
    drawing = new Drawing((one.definition && all.definitions[one.definition.sha256]) || "<none/>", $("diagram"));
    $("records").replaceChildren(...one.records.map((record) => {
      const row = make("li", "", `${instant(record.at)} · ${kindOf(record.kind)}${record.element ? ` · ${drawing.name(record.element)}` : ""} · ${personOf(one, record.actor)}`);
      row.addEventListener("click", () => go(record.seq));
      return row;
    }));
    go(at);
  }

  function go(to) {
    const one = all.cases[current];
    seq = Math.min(Math.max(Number(to) || 1, 1), Math.max(one.records.length, 1));
    const record = one.records[seq - 1], moment = historyOf(current)[seq - 1];
    $("line").value = String(seq);
    $("where").textContent = `${seq} ${word("of")} ${one.records.length}`;
    drawing.mark(moment);
    if (record) tell(one, record, moment);
    [...$("records").children].forEach((row, index) => (index === seq - 1 ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current")));
    history.replaceState(null, "", `#case=${one.case.id}&seq=${seq}`);
  }

  function tell(one, record, moment) {
    $("what").textContent = `${record.seq}. ${kindOf(record.kind)}`;
    const facts = [["at", instant(record.at)], ["who", personOf(one, record.actor)], ["role", record.actor_role], ["behalf", record.on_behalf_of && personOf(one, record.on_behalf_of) + (record.as_stated ? ` (${word("stated")})` : "")], ["party", record.answer && partyOf(record.answer)],
      ["step", record.element && drawing.name(record.element)], ["hash", record.hash]];
    $("facts").replaceChildren(...facts.filter(([, value]) => value).flatMap(([key, value]) => [make("dt", "", word(key)), make("dd", "", value)]));
    const waiting = moment ? moment.waiting : [];
    const rows = waiting.map(([element, due, instance]) => make("li", "", drawing.name(element) + (instance === null ? "" : ` [${instance + 1}]`) + (due ? ` – ${word("due")} ${instant(due)}` : "")));
    $("waiting").replaceChildren(...(rows.length ? rows : [make("li", "", moment ? word("nothing") : word("unknown"))]));
    $("changes").tBodies[0].replaceChildren(...(moment ? moment.changes : []).map(([name, before, after]) => {
      const row = make("tr");
      const was = make("td"), is = make("td");
      was.append(make("del", "", show(before)));
      is.append(make("ins", "", show(after)));
      row.append(make("th", "", name), was, is);
      return row;
    }));
    const typed = one.payloads === null ? word("none") : String(record.seq) in one.payloads ? show(one.payloads[record.seq]) : word("erased");
    $("typed").textContent = typed;
  }

  function speak() {
    document.documentElement.lang = language;
    for (const node of document.querySelectorAll("[data-t]")) node.textContent = word(node.dataset.t);
    for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
    $("warning").textContent = word("warning") + (all.checkpoint ? ` · ${word("signed")}: ${all.checkpoint.split("\n").slice(0, 3).join(" ")}` : "");
    $("language").textContent = word("other");
    $("title").textContent = [all.cases[0].case.business_key, all.cases[0].case.title].filter(Boolean).join(" · ");
    $("case").replaceChildren(...all.cases.map((one, index) => {
      const option = make("option", "", `${index ? `↳ ${word("child")} ` : ""}${one.case.business_key} ${one.case.title || ""}`);
      option.value = String(index);
      return option;
    }));
    open(current, seq);
  }

  function play() {
    if (timer) { clearInterval(timer); timer = null; return; }
    timer = setInterval(() => {
      if (seq >= all.cases[current].records.length) { clearInterval(timer); timer = null; } else go(seq + 1);
    }, 900);
  }

  function fromAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const index = all.cases.findIndex((one) => one.case.id === asked.get("case"));
    current = index < 0 ? 0 : index;
    seq = Number(asked.get("seq")) || 1;
  }

  const steps = { first: () => go(1), back: () => go(seq - 1), next: () => go(seq + 1), last: () => go(Infinity), play };
  for (const [id, act] of Object.entries(steps)) $(id).addEventListener("click", act);
  $("line").addEventListener("input", (event) => go(event.target.value));
  $("case").addEventListener("change", (event) => open(Number(event.target.value), 1));
  $("language").addEventListener("click", () => { language = language === "th" ? "en" : "th"; speak(); });
  addEventListener("hashchange", () => { fromAddress(); open(current, seq); });
  addEventListener("keydown", (event) => {
    if (/^(SELECT|INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
    const act = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play" }[event.key];
    if (act && !(event.key === " " && event.target.tagName === "BUTTON")) { event.preventDefault(); steps[act](); }
  });
  fromAddress();
  speak();
})();
