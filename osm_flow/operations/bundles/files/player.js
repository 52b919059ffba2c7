"use strict";
(function () {
  const TOLD = @WORDS@;
  const WORDS = {
    th: {
      case: "เรื่อง", waiting: "งานที่รออยู่หลังรายการนี้", changes: "ข้อมูลที่เปลี่ยน", variable: "ข้อมูล", before: "ก่อน", after: "หลัง",
      typed: "สิ่งที่กรอกหรือพบ", all: "รายการทั้งหมด", at: "เวลา", who: "ผู้ทำ", role: "ในฐานะ", behalf: "แทน", stated: "ตามที่ระบุ", party: "บันทึกคำตอบแทน", step: "ขั้นตอน", hash: "รหัสหลักฐาน",
      due: "ครบกำหนด", nothing: "ไม่มี", other: "English", erased: "ข้อมูลนี้ถูกลบตามกฎหมาย", none: "ชุดนี้ไม่มีข้อมูลที่กรอก", unknown: "ไม่มีภาพสถานะของรายการนี้",
      judged: "เอกสารที่พิจารณา", judged_from: "ตามที่กรอกในรายการที่ {n}", judged_unknown: "จากไฟล์ชุดนี้บอกไม่ได้แน่ชัดว่าผู้พิจารณาเห็นเอกสารฉบับใด เปิดดูขั้นนี้ได้ในระบบ", here: "ขยายตรงรายการนี้", whole: "เห็นทั้งแผนภาพ",
      yes: "ใช่", no: "ไม่ใช่", outside: "เรื่องที่ไม่อยู่ในชุดนี้", rung_before: "ก่อนครบกำหนด {n} วันทำการ", rung_after: "หลังครบกำหนด {n} วันทำการ", rung_on: "ในวันครบกำหนด", item: "รายการที่ {n}", baht: "บาท", unchanged: "รายการนี้ไม่ได้เปลี่ยนข้อมูลของเรื่อง",
      warning: "หน้านี้มีไว้อ่าน ไม่ใช่หลักฐาน ตรวจหลักฐานด้วย verify.py", of: "จาก", first: "รายการแรก", back: "ย้อนกลับ", play: "เล่น", next: "ถัดไป", last: "รายการล่าสุด", line: "เส้นเวลา", diagram: "แผนภาพ", system: "ระบบ", signed: "หัวบันทึกรวม", child: "เรื่องย่อย",
    },
    en: {
      case: "Case", waiting: "Waiting after this record", changes: "What changed in the data", variable: "Data", before: "Before", after: "After",
      typed: "What was typed or found", all: "All records", at: "Time", who: "Actor", role: "As", behalf: "On behalf of", stated: "as stated", party: "Answer written down for", step: "Step", hash: "Hash",
      due: "due", nothing: "nothing", other: "ไทย", erased: "What was typed was lawfully erased", none: "This bundle leaves out what was typed", unknown: "There is no state for this record",
      judged: "The document to be decided on", judged_from: "as it was filled in with record {n}", judged_unknown: "These files do not tell for certain which document the person saw; the system shows this step", here: "Enlarge at this record", whole: "The whole diagram",
      yes: "Yes", no: "No", outside: "a case outside this bundle", rung_before: "{n} working days before the due date", rung_after: "{n} working days after the due date", rung_on: "on the due date", item: "item {n}", baht: "baht", unchanged: "This record changed nothing in the data of the case",
      warning: "This page is for reading and proves nothing; verify.py checks the evidence", of: "of", first: "First record", back: "Back", play: "Play", next: "Next", last: "Newest record", line: "Time line", diagram: "Diagram", system: "the system", signed: "checkpoint", child: "child",
    },
  };
  const all = JSON.parse(document.getElementById("data").textContent);
  // Rows that lie in records of the office stand here as a reference to the set of these records: put the rows in its place.
  const withRows = (value) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    const isReference = typeof value.set === "string" && typeof value.into === "string" && typeof value.code === "string" && [value.which, value.columns, value.shown, value.summary].every((part) => part !== null && typeof part === "object" && !Array.isArray(part));
    const records = isReference && Object.hasOwn(all.sets, value.set) ? all.sets[value.set] : null;
    if (!records) return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withRows(part)]));
    const fits = (part) => Object.entries(value.which).every(([name, told]) => (part[name] ?? null) === told);
    return Object.keys(records).sort().flatMap((code) => {
      const record = records[code] || {}, table = value.into ? record[value.into] : [record];
      const parts = Array.isArray(table) ? table.filter((part) => part !== null && typeof part === "object" && (!value.into || fits(part))) : [];
      return parts.map((part) => {
        const row = { [value.code]: code };
        for (const [column, name] of Object.entries(value.columns)) if (part[name] !== undefined) row[column] = typeof value.summary[column] === "number" ? Number(part[name]) : part[name];
        for (const [column, name] of Object.entries(value.shown)) if (record[name] !== undefined) row[column] = record[name];
        return row;
      });
    });
  };
  for (const one of all.sets ? all.cases : []) {
    if (one.payloads) one.payloads = withRows(one.payloads);
    for (const state of one.states) if (state.set) state.set = withRows(state.set);
  }
  const $ = (id) => document.getElementById(id);
  let language = "th", current = 0, seq = 1, timer = null, drawing = null, isNear = false;
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
  const told = (list, name) => { const pair = named(TOLD[list], name); return pair && pair[language === "th" ? 0 : 1]; };
  const kindOf = (record) => (record.actor !== "system" && told("written_down", record.kind)) || told("kinds", record.kind) || record.kind;
  const placeOf = (code) => told("places", code) || code;
  const roleOf = (key) => { const [role, place] = key.split("@"); return (told("roles", role) || role) + (place ? ` (${placeOf(place)})` : ""); };
  const instant = (text) => new Date(text).toLocaleString(language === "th" ? "th-TH-u-ca-buddhist" : "en-GB", { timeZone: "Asia/Bangkok", dateStyle: "medium", timeStyle: "medium" });
  // What decision tables answer: its parts are no fields of forms, whatever these are called.
  const DECIDED = new Set(["screening", "change", "classification"]);
  const PEOPLE = new Set(["started_by", "moved_by", "told"]);
  const personOf = (one, name) => {
    const known = [one, ...all.cases].map((each) => named(each.case.people, name)).find(Boolean);
    return name === "system" ? word("system") : known ? `${known} (${name})` : name;
  };

  // ---- words for what forms, services and the product keep ---------------------------------------------------------

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const isSame = (one, other) => {
    if (Array.isArray(one)) return Array.isArray(other) && one.length === other.length && one.every((value, at) => isSame(value, other[at]));
    if (!isObject(one)) return one === other;
    return isObject(other) && Object.keys(one).length === Object.keys(other).length && Object.keys(one).every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]));
  };
  const labelOf = (thing) => {
    const english = language === "en" && ((thing["x-en"] && thing["x-en"].title) || (!thing.title && thing.en));
    return String(english || thing.title || thing.th || "");
  };
  const fieldsOf = (schema) => (schema && schema.properties) || nothing();
  const columnsOf = (field) => fieldsOf(field && field.items);
  const widgetOf = (field) => field["x-widget"] || { date: "date", "date-time": "datetime" }[field.format] || "";
  const unitOf = (field) => (widgetOf(field) === "money" ? word("baht") : String((language === "en" && field["x-en"] && field["x-en"].unit) || field["x-unit"] || ""));
  const choicesOf = (field) => (field.type === "array" && field.items ? field.items : field)["x-enum"] || [];
  const formsOf = (one) => (one.definition && named(all.forms, one.definition.sha256)) || nothing();
  const formFields = (one) => Object.values(formsOf(one)).map(fieldsOf);
  const firstNamed = (lists, name) => { for (const fields of lists) { const found = named(fields, name); if (found) return found; } return undefined; };
  const fieldNamed = (one, name) => firstNamed(formFields(one), name);
  // Forms of the other cases: what they passed on is called as they call it.
  const fieldAfar = (name) => firstNamed(all.cases.flatMap(formFields), name) || firstNamed(all.cases.flatMap(formFields).flatMap((fields) => Object.values(fields)).map(columnsOf), name);
  const day = (text) => { const at = new Date(`${text}T00:00:00Z`); return Number.isNaN(at.getTime()) ? text : at.toLocaleDateString(language === "th" ? "th-TH-u-ca-buddhist" : "en-GB", { timeZone: "UTC", dateStyle: "medium" }); };

  /* The field that asks for what lies at a path, outermost first; undefined where no form asks for it. */
  function fieldAt(one, path, schema) {
    let field;
    for (const [at, key] of path.entries()) {
      if (typeof key === "number") continue;
      field = DECIDED.has(path[at - 1]) ? undefined : named(columnsOf(field), key) || named(fieldsOf(schema), key) || fieldNamed(one, key);
    }
    return field;
  }

  /* What the steps are called that write this document, in the case that is shown first, then in the others. */
  let documents = null;
  function documentName(name) {
    if (!documents) documents = new Map(Object.values(all.definitions).flatMap((xml) => new Drawing(xml).documents()).reverse());
    return new Map(drawing.documents().reverse()).get(name) || documents.get(name);
  }

  function pathWords(one, path, schema) {
    return path.map((key, at) => {
      if (typeof key === "number") return word("item").replace("{n}", key + 1);
      const field = fieldAt(one, path.slice(0, at + 1), schema);
      if (field) return labelOf(field);
      const afar = DECIDED.has(path[at - 1]) ? undefined : fieldAfar(key);
      return documentName(key) || told("names", key) || (afar && labelOf(afar)) || told("fields", key) || key;
    }).join(" › ");
  }

  const caseWords = (id) => { const one = all.cases.find((other) => other.case.id === id); return one ? [one.case.business_key, one.case.title].filter(Boolean).join(" · ") : word("outside"); };
  const rungWords = (days) => (days ? word(days < 0 ? "rung_before" : "rung_after").replace("{n}", Math.abs(days)) : word("rung_on"));

  function valueWords(one, name, field, value) {
    if (value === undefined) return "";
    if (value === null || value === "" || (typeof value === "object" && !Object.keys(value).length)) return "–";
    if (Array.isArray(value)) return value.map((entry) => valueWords(one, name, field && field.items ? field.items : field, entry)).join(", ");
    if (isObject(value)) return Object.entries(value).map(([key, inner]) => `${pathWords(one, [key])}: ${valueWords(one, key, fieldNamed(one, key), inner)}`).join(" · ");
    if (typeof value === "boolean") return word(value ? "yes" : "no");
    if (/^(parent_)?case_id$/.test(name) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) return caseWords(value);
    const chosen = (one) => one && choicesOf(one).find((option) => option.value === value);
    const asked = field && (!choicesOf(field).length || chosen(field)) ? field : undefined; // else a form asks for something else under this name
    if (chosen(asked)) return labelOf(chosen(asked)) || String(value);
    if (!asked) {
      if (PEOPLE.has(name) && typeof value === "string") return personOf(one, value);
      if (name === "rung" && /^due([+-]\d{1,3})?$/.test(value)) return rungWords(Number(value.slice(3)));
      const written = named(TOLD.values, name), pair = (written && named(written, String(value))) || (name === "office" && named(TOLD.places, value));
      if (pair) return pair[language === "th" ? 0 : 1];
      if (chosen(fieldAfar(name))) return labelOf(chosen(fieldAfar(name)));
    }
    if (typeof value === "number") return field && field.type === "number" ? value.toLocaleString("en-US", { minimumFractionDigits: widgetOf(field) === "money" ? 2 : 0, maximumFractionDigits: 20 }) : String(value);
    if (field && widgetOf(field) === "date") return day(value);
    if (/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value)) return instant(value);
    return /^TH-[0-9A-Z]{1,2}$/.test(value) ? placeOf(value) : value;
  }

  /* What differs, one value a line: [path, before, after]. */
  function differences(before, after, path = []) {
    if (isSame(before, after)) return [];
    const inner = (value) => isObject(value) || (Array.isArray(value) && value.some(isObject));
    if (!inner(before) && !inner(after)) return [[path, before, after]];
    const keys = new Set([before, after].filter(inner).flatMap((value) => (Array.isArray(value) ? [...value.keys()] : Object.keys(value))));
    const at = (value, key) => (inner(value) && Object.hasOwn(value, key) ? value[key] : undefined);
    const lines = [...keys].flatMap((key) => differences(at(before, key), at(after, key), [...path, key]));
    return lines.length ? lines : [[path, before, after]];
  }

  /* A filled form as people read it: its fields in their order, then what it does not ask for. */
  function documentOf(one, schema, values) {
    const list = make("dl", "document");
    const asked = [...((schema && schema["x-groups"]) || []).flatMap((group) => group.fields || []), ...Object.keys(fieldsOf(schema))];
    const names = new Set([...asked.filter((name) => Object.hasOwn(values, name)), ...Object.keys(values)]);
    for (const name of names) {
      if (name === "parent_task_id") continue;
      const value = values[name], field = fieldAt(one, [name], schema);
      if (value === null || value === "" || (Array.isArray(value) && !value.length)) continue;
      const held = make("dd");
      held.dataset.field = name;
      if (Array.isArray(value) && value.some(isObject)) held.append(tableOf(one, name, field, value.filter(isObject)));
      else if (isObject(value)) held.append(documentOf(one, { properties: columnsOf(field) }, value));
      else held.textContent = [valueWords(one, name, field, value), field ? unitOf(field) : ""].filter(Boolean).join(" ");
      list.append(make("dt", "", pathWords(one, [name], schema)), held);
    }
    return list;
  }

  function tableOf(one, name, field, rows) {
    const table = make("table", "rows"), head = make("tr");
    const columns = [...new Set([...Object.keys(columnsOf(field)), ...rows.flatMap((row) => Object.keys(row))])].filter((key) => rows.some((row) => Object.hasOwn(row, key)));
    head.append(...columns.map((key) => { const cell = make("th", "", pathWords(one, [name, 0, key]).split(" › ").pop()); cell.scope = "col"; return cell; }));
    table.append(head, ...rows.map((row) => {
      const line = make("tr");
      line.append(...columns.map((key) => make("td", "", valueWords(one, key, fieldAt(one, [name, 0, key]), row[key]))));
      return line;
    }));
    return table;
  }

  // ---- what somebody had before them to decide on --------------------------------------------------------------------

  const COMPLETED = "work_item.completed";
  const waitingFor = (one, record) => ((one.states[record.seq - 2] || {}).waiting || []).find(([, , , task]) => task && task === record.task_id);

  /* The document that a decision is about: { name, schema, values, from }. Without `values` the files do not tell it:
     each instance of a repeated part has data of its own, and the states beside the records hold those of the case. */
  function judgedOf(one, record) {
    const name = record.kind === COMPLETED && drawing.property(record.element, "approves");
    if (!name) return null;
    const loops = drawing.loopsAround(record.element);
    const writers = one.records.slice(0, record.seq - 1).filter((other) => other.kind === COMPLETED && drawing.property(other.element, "document") === name).reverse();
    const written = (other) => { const data = one.payloads && named(one.payloads, String(other.seq)); return isObject(data) ? data : null; };
    const unknown = { name, title: writers.length ? drawing.name(writers[0].element) : "" };
    if (!loops.length) {
      const set = one.states.slice(0, record.seq - 1).findLastIndex((state) => named(state.set, name) !== undefined || (state.unset || []).includes(name));
      const values = set < 0 ? undefined : named(one.states[set].set, name);
      if (!isObject(values) || one.states.length < record.seq - 1) return unknown;
      const fits = !writers.length || isSame(written(writers[0]), values);
      return fits ? { name, values, from: writers.length ? writers[0].seq : set + 1, writer: writers[0] } : unknown;
    }
    const mine = waitingFor(one, record);
    if (loops.length > 1 || !mine || mine[2] === null) return unknown;
    const writer = writers.find((other) => {
      const its = waitingFor(one, other), around = drawing.loopsAround(other.element);
      return its && its[2] === mine[2] && around.length === 1 && around[0] === loops[0];
    });
    const stayed = writer && one.states.slice(writer.seq - 1, record.seq - 1).every((state) => state.waiting.some(([element]) => drawing.loopsAround(element)[0] === loops[0]));
    return stayed && written(writer) ? { name, values: written(writer), from: writer.seq, writer } : unknown;
  }

  /* The form whose fields these are: the one of the step that filled it in, else the one that knows the most of them. */
  function formWith(one, values, writer) {
    const own = writer && named(formsOf(one), drawing.formKey(writer.element));
    const fit = (schema) => Object.keys(fieldsOf(schema)).filter((key) => Object.hasOwn(values, key)).length;
    const best = all.cases.flatMap((other) => Object.values(formsOf(other))).reduce((most, schema) => (fit(schema) > fit(most) ? schema : most), {});
    return own || best;
  }

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
      if (place) this.draw(parsed, place);
    }
    draw(parsed, place) {
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
      this.sheet = sheet;
      this.origin = [left, top];
      const containers = new Set(["participant", "lane", "subProcess"]);
      for (const [node, element, bounds] of shapes) if (containers.has(element.localName)) this.shape(sheet, node, element, bounds, box);
      for (const edge of edges) this.edge(sheet, edge);
      for (const [node, element, bounds] of shapes) if (!containers.has(element.localName)) this.shape(sheet, node, element, bounds, box);
      sheet.append(this.marks);
      place.replaceChildren(sheet);
    }
    /* Lines of a label are no words: Thai has no spaces between them. */
    name(id) { const node = this.elements.get(id); return ((node && node.getAttribute("name")) || id || "").replace(/([\u0E00-\u0E7F])[ \t]*\n\s*(?=[\u0E00-\u0E7F])/g, "$1").replace(/\s+/g, " "); }
    property(id, name) {
      const own = (node, wanted) => [...node.children].filter((one) => one.localName === wanted);
      const node = this.elements.get(id);
      const found = node && own(node, "extensionElements").flatMap((one) => own(one, "properties")).flatMap((one) => own(one, "property")).find((one) => one.getAttribute("name") === name);
      return found ? found.getAttribute("value") : null;
    }
    formKey(id) {
      const key = (node) => ([...node.attributes].find((one) => one.localName === "formKey") || {}).value;
      const node = this.elements.get(id) || [...this.elements.values()].find((one) => !id && one.localName === "startEvent" && one.parentNode.localName === "process" && key(one));
      return (node && (key(node) || this.property(node.id, "form"))) || "";
    }
    documents() { return [...this.elements.keys()].map((id) => [this.property(id, "document"), this.name(id)]).filter(([document]) => document); }
    loopsAround(id) {
      const loops = [];
      for (let node = this.elements.get(id); node && node.localName !== "process"; node = node.parentNode)
        if ([...node.children].some((one) => one.localName === "multiInstanceLoopCharacteristics")) loops.push(node.id);
      return loops;
    }
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
    /* The whole process first; enlarged, the part that the record is about is brought into view. */
    enlarge(isNear, moment, acted) {
      if (!this.sheet) return;
      this.isNear = isNear;
      this.sheet.classList.toggle("whole", !isNear);
      this.follow(moment, acted);
    }
    follow(moment, acted) {
      const first = this.shapes.get(acted) || this.shapes.get(((moment ? moment.waiting : [])[0] || [])[0]);
      if (this.isNear && first) this.bring(first[1]);
    }
    mark(moment, acted) {
      if (!this.marks) return;
      this.marks.replaceChildren();
      const live = nothing();
      for (const [element] of moment ? moment.waiting : []) live[element] = (live[element] || 0) + 1;
      for (const [id, [drawn, bounds]] of this.shapes) {
        const visits = moment ? moment.visits[id] || 0 : 0;
        drawn.classList.toggle("done", visits > 0);
        drawn.classList.toggle("now", id in live);
        drawn.classList.toggle("acted", id === acted);
        if (visits > 1) this.badge(bounds, visits, false);
        if (id in live) this.badge(bounds, live[id], true);
      }
      this.follow(moment, acted);
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
      const row = make("li"), link = make("a", "", `${instant(record.at)} · ${kindOf(record)}${record.element ? ` · ${drawing.name(record.element)}` : ""} · ${personOf(one, record.actor)}`);
      link.href = `#case=${one.case.id}&seq=${record.seq}`;
      row.append(link);
      return row;
    }));
    enlarge(isNear);
    go(at);
  }

  function enlarge(wanted) {
    isNear = wanted;
    $("near").setAttribute("aria-pressed", String(isNear));
    $("whole").setAttribute("aria-pressed", String(!isNear));
    drawing.enlarge(isNear, historyOf(current)[seq - 1], (all.cases[current].records[seq - 1] || {}).element);
  }

  function go(to) {
    const one = all.cases[current];
    seq = Math.min(Math.max(Number(to) || 1, 1), Math.max(one.records.length, 1));
    const record = one.records[seq - 1], moment = historyOf(current)[seq - 1];
    $("line").value = String(seq);
    $("where").textContent = `${seq} ${word("of")} ${one.records.length}`;
    drawing.mark(moment, record && record.element);
    if (record) tell(one, record, moment);
    [...$("records").children].forEach((row, index) => (index === seq - 1 ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current")));
    history.replaceState(null, "", `#case=${one.case.id}&seq=${seq}`);
  }

  function tell(one, record, moment) {
    $("what").textContent = `${record.seq}. ${kindOf(record)}${record.element ? ` · ${drawing.name(record.element)}` : ""}`;
    const facts = [["at", instant(record.at)], ["who", personOf(one, record.actor)], ["role", record.actor_role && roleOf(record.actor_role)], ["behalf", record.on_behalf_of && personOf(one, record.on_behalf_of) + (record.as_stated ? ` (${word("stated")})` : "")], ["party", record.answer && partyOf(record.answer)],
      ["step", record.element && drawing.name(record.element)], ["hash", record.hash]];
    $("facts").replaceChildren(...facts.filter(([, value]) => value).flatMap(([key, value]) => [make("dt", "", word(key)), make("dd", "", value)]));
    const waiting = moment ? moment.waiting : [];
    const rows = waiting.map(([element, due, instance]) => make("li", "", drawing.name(element) + (instance === null ? "" : ` [${instance + 1}]`) + (due ? ` – ${word("due")} ${instant(due)}` : "")));
    $("waiting").replaceChildren(...(rows.length ? rows : [make("li", "", moment ? word("nothing") : word("unknown"))]));
    const schema = named(formsOf(one), drawing.formKey(record.kind === "case.started" ? "" : record.element || " "));
    const changes = (moment ? moment.changes : []).flatMap(([name, before, after]) => differences(before, after, [name]));
    $("changes").tBodies[0].replaceChildren(...changes.map(([path, before, after]) => {
      const row = make("tr"), name = path.findLast((key) => typeof key === "string"), field = fieldAt(one, path, schema);
      const was = make("td"), is = make("td");
      was.append(make("del", "", valueWords(one, name, field, before)));
      is.append(make("ins", "", valueWords(one, name, field, after)));
      row.append(make("th", "", pathWords(one, path, schema)), was, is);
      row.dataset.variable = path[0];
      return row;
    }));
    $("changes").hidden = !changes.length;
    $("unchanged").hidden = !moment || changes.length > 0;
    tellTyped(one, record, schema);
    tellJudged(one, record);
  }

  function tellTyped(one, record, schema) {
    const data = one.payloads && named(one.payloads, String(record.seq));
    if (one.payloads === null) $("typed").textContent = word("none");
    else if (!Object.hasOwn(one.payloads, String(record.seq)) || data === null) $("typed").textContent = word("erased");
    else if (isObject(data)) $("typed").replaceChildren(documentOf(one, schema, data));
    else $("typed").textContent = valueWords(one, "", undefined, data);
  }

  function tellJudged(one, record) {
    const judged = judgedOf(one, record);
    $("judged").hidden = !judged;
    if (!judged) return;
    const schema = judged.values && formWith(one, judged.values, judged.writer);
    $("judged-title").textContent = `${word("judged")}: ${(schema && labelOf(schema)) || judged.title || pathWords(one, [judged.name])}`;
    $("judged-from").textContent = judged.values ? word("judged_from").replace("{n}", judged.from) : word("judged_unknown");
    $("judged-values").replaceChildren(...(judged.values ? [documentOf(one, schema, judged.values)] : []));
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
  $("near").addEventListener("click", () => enlarge(true));
  $("whole").addEventListener("click", () => enlarge(false));
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
