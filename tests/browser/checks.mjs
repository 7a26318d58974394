// Runs inside a page. Returns [what, whether, detail] for each check.

export function inPage({ json, kind }) {
  const seen = [];
  const say = (what, ok, detail = "") => seen.push([what, Boolean(ok), String(detail)]);

  // Nothing scrolls sideways but what is meant to.
  const root = document.documentElement;
  say("no sideways scrolling", root.scrollWidth <= root.clientWidth, `${root.scrollWidth} > ${root.clientWidth}`);

  // Every number is that of the JSON.
  const at = (pointer) => pointer.split("/").slice(1).reduce((value, key) => value?.[key], json);
  const figures = [...document.querySelectorAll("[data-json]")];
  const wrong = figures.filter((figure) => {
    let value = at(figure.dataset.json);
    if ("sum" in figure.dataset) value = value.recorded + value.reported + value.predicted;
    return String(value) !== figure.textContent.replaceAll(",", "") || figure.value !== String(value);
  });
  say("every number equals the JSON", wrong.length === 0, wrong.map((f) => `${f.dataset.json} ${f.textContent}`));
  const failures = Object.values(json.totals.failures).reduce((sum, count) => sum + count, 0);
  say("there are numbers", figures.length >= (failures ? 6 : 3), figures.length);
  say("the headline is the JSON's", document.querySelector("h1").textContent === json.answer.headline);
  const text = document.body.innerText;
  say("what was read is told", text.includes(json.reading.sentence.slice(0, 60)) || json.coverage[0]?.region.length > 40);
  if (kind === "report") {
    const rows = document.querySelectorAll(".as-table tbody tr").length;
    say("each slot has a row", rows === json.timeline.length, rows);
    const bars = document.querySelectorAll(".chart svg g").length;
    const full = json.timeline.filter((slot) => slot.recorded + slot.reported + slot.predicted > 0).length;
    say("each slot with failures has a bar", bars === full, `${bars} of ${full}`);
    const cards = document.querySelectorAll("article.incident").length;
    say("incidents have cards", cards === Math.min(40, json.incidents.length), cards);
  }

  // Nobody's text became markup.
  for (const tag of ["script", "img", "iframe", "object", "embed", "form", "use", "base"]) {
    say(`no <${tag}>`, !document.querySelector(tag));
  }
  const handlers = [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on")));
  say("no handlers", handlers.length === 0, handlers.map((e) => e.outerHTML.slice(0, 80)));
  const links = [...document.querySelectorAll("a[href]")].filter((a) => !a.href.startsWith("https://docs.aws.amazon.com/") && !a.href.startsWith("https://docs.github.com/") && !a.href.startsWith("https://developer.hashicorp.com/") && !a.href.startsWith("https://registry.terraform.io/"));
  say("links go to documentation", links.length === 0, links.map((a) => a.href));
  for (const action of document.querySelectorAll("cwdb-action")) {
    let payload;
    try { payload = JSON.parse(action.textContent); } catch { payload = null; }
    say("an action carries JSON", payload?.task === "widget", action.textContent.slice(0, 80));
    const known = payload?.access_key_id === undefined || json.incidents.some((i) => i.access_key_id === payload.access_key_id);
    say("an action asks for a key of the summary", known);
  }

  // For those who do not see it, or not well.
  if (kind === "report") {
    for (const landmark of ["header", "main", "footer"]) say(`has a ${landmark}`, document.querySelectorAll(`body > ${landmark}`).length === 1);
    say("says its language", root.lang === "en");
    let level = 0;
    for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
      const next = Number(heading.tagName[1]);
      say("headings do not skip a level", next <= level + 1, heading.textContent);
      level = next;
    }
  }
  for (const svg of document.querySelectorAll("svg")) {
    const title = document.getElementById(svg.getAttribute("aria-labelledby"));
    say("a chart has words", svg.getAttribute("role") === "img" && title?.textContent.length > 5);
  }
  for (const table of document.querySelectorAll("table")) {
    say("heads of tables have a scope", [...table.querySelectorAll("th")].every((th) => th.scope));
  }

  // WCAG 2 AA: 4.5 for text, 3 for large text.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") layers.push(rgba(colour));
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = new Set();
  let measured = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() && measured < 3000) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("svg, style, cwdb-action, .none")) continue;
    measured += 1;
    const style = getComputedStyle(element);
    const back = behind(element);
    const front = over(rgba(style.color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.add(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
  }
  say("text is measured", measured > 5, measured);
  say("text stands out from its ground", faint.size === 0, [...faint].slice(0, 5));
  return seen;
}
