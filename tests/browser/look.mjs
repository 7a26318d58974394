// Opens every page and looks at it as a person would, and closer.
//
// node look.mjs CHROMIUM PAGES IMAGES [--pictures] [NAME…]

import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

import { inPage } from "./checks.mjs";

const [program, pages, images, ...options] = process.argv.slice(2);
const pictures = options.includes("--pictures");
const named = options.filter((option) => !option.startsWith("--"));
const NAMES = ["story", "key", "week", "hour", "empty", "nothing", "holes", "hostile", "busy"]
  .filter((name) => named.length === 0 || named.includes(name));
const THEMES = ["light", "dark"];
const WIDTHS = { report: [360, 1200], widget: [380, 900] };
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--hide-scrollbars",
];

const failed = [];
let checks = 0;

function check(where, what, ok, detail = "") {
  checks += 1;
  if (!ok) failed.push(`${where}: ${what}${detail ? `: ${detail}` : ""}`);
}

// A dashboard is a page of its own that puts the widget into a box of a width.
function dashboard(widget, theme, width) {
  const back = theme === "dark" ? "#0f1b2a" : "#f2f3f3";
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dashboard</title>
    <style>body{margin:0;background:${back}}main{width:${width}px}</style></head><body><main>${widget}</main></body></html>`;
}

async function look(browser, name, kind, theme, width) {
  const where = `${name} ${kind} ${theme} ${width}`;
  const context = await browser.newContext({
    colorScheme: theme, viewport: { width, height: 900 }, deviceScaleFactor: pictures ? 1.5 : 1,
  });
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("dialog", (dialog) => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!/^(file|data|about):/.test(request.url())) said.push(`request: ${request.url()}`);
  });
  if (kind === "report") {
    await page.goto(pathToFileURL(path.join(pages, `${name}.html`)).href);
  } else {
    const widget = readFileSync(path.join(pages, `${name}.widget-${theme}-${width}.html`), "utf8");
    await page.setContent(dashboard(widget, theme, width));
  }
  // What is folded counts, too.
  const folded = await page.$$("details:not([open])");
  const json = JSON.parse(readFileSync(path.join(pages, `${name}.json`), "utf8"));
  await picture(page, name, kind, theme, width);
  for (const details of folded) await details.evaluate((element) => { element.open = true; });
  const seen = await page.evaluate(inPage, { json, kind });
  for (const [what, ok, detail] of seen) check(where, what, ok, detail);
  check(where, "the console and the network are silent", said.length === 0, said.join("; "));
  if (name === "story" && kind === "report" && width > 1000) await onPaper(page, where);
  await context.close();
}

// What a terminal of 100 columns shows, as a picture.
async function terminal(browser) {
  const looks = { 1: "font-weight:bold", 2: "opacity:.65", 31: "color:#ff7b72", 32: "color:#7ee787", 33: "color:#e3b341", 36: "color:#76e3ea" };
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const [first, ...parts] = readFileSync(path.join(pages, "story.ansi"), "utf8").trimEnd().split("\x1b[");
  const body = parts.map((part) => {
    const [, code, text] = part.match(/^(\d+)m([^]*)$/);
    return code === "0" ? escaped(text) : `<span style="${looks[code]}">${escaped(text)}</span>`;
  });
  const page = await browser.newPage({ deviceScaleFactor: 1.5 });
  await page.setContent(`<pre style="display:inline-block;margin:0;padding:20px 24px;background:#0d1117;color:#e6edf3;
    font:15px/20px 'DejaVu Sans Mono',monospace"><span style="opacity:.65">$ failure-monitor summary --unmask</span>\n${escaped(first)}${body.join("")}</pre>`);
  await page.evaluate(() => { document.body.style.margin = 0; });
  await (await page.$("pre")).screenshot({ path: path.join(images, "summary-terminal.png") });
  await page.close();
}

// On paper everything is there, and nothing is cut at the side.
async function onPaper(page, where) {
  await page.emulateMedia({ media: "print" });
  // A4 between margins of a centimetre.
  await page.setViewportSize({ width: 718, height: 1000 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(where, "fits on paper", wide <= 0, `${wide} px too wide`);
}

async function picture(page, name, kind, theme, width) {
  if (!pictures || name !== "story") return;
  const at = (file) => path.join(images, file);
  if (kind === "report" && width > 1000) {
    const clip = { x: 0, y: 0, width, height: 1120 };
    await page.setViewportSize({ width, height: 1120 });
    await page.screenshot({ path: at(`summary-report-${theme}.png`), clip });
  } else if (kind === "report" && theme === "light") {
    await page.screenshot({ path: at("summary-report-narrow.png"), clip: { x: 0, y: 0, width, height: 900 } });
  } else if (kind === "widget" && width > 600) {
    await (await page.$("main")).screenshot({ path: at(`summary-widget-${theme}.png`) });
  }
}

// Playwright gives it a new profile each time, and removes it.
const browser = await chromium.launch({ executablePath: program, headless: true, args: FLAGS });
try {
  for (const name of NAMES) {
    for (const kind of ["report", "widget"]) {
      for (const theme of THEMES) {
        for (const width of WIDTHS[kind]) await look(browser, name, kind, theme, width);
      }
    }
  }
  if (pictures) await terminal(browser);
} finally {
  await browser.close();
}
for (const line of failed.slice(0, 60)) console.log(`FAILED ${line}`);
console.log(`tests/browser: ${checks} checks, ${failed.length} failed`);
process.exit(failed.length ? 1 : 0);
