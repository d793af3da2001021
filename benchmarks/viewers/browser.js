// browser.js TOOLS: a page in headless Chromium with software WebGL. Reads one JSON command a line, answers one JSON line each:
// {goto: url}, {open: text} and {click: text} (the first visible element whose own text begins so), {beside: [text, pixels]}
// (a click that far to the right of the rightmost one), {push: name} (the button that OHIF's own tests call so), {press: [x, y]}, {key: name}, {shot: file}, {ask: "slice" | "lines" | "words" (the boxes of the lines) | "text"}, {wait: seconds}.
const path = require('path');
const readline = require('readline');
const puppeteer = require(path.resolve(process.argv[2], 'node_modules/puppeteer-core'));
const pause = seconds => new Promise(done => setTimeout(done, 1000 * seconds));

const place = (page, text, rightmost) => page.evaluate((wanted, last) => {
  let found = null;
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].filter(node => node.nodeType === 3).map(node => node.textContent).join('').trim();
    const box = one.getBoundingClientRect();
    if (own.startsWith(wanted) && box.width && box.height) {
      if (!found || box.right > found.right) found = { x: box.x + box.width / 2, y: box.y + box.height / 2, right: box.right };
      if (!last) break;
    }
  }
  return found;
}, text, rightmost);

const asked = {
  text: () => document.body.innerText,
  slice: () => (document.body.innerText.match(/I:\s*(\d+)\s*\((\d+)\/(\d+)\)/) || []).slice(1).map(Number),
  words: () => [...document.querySelectorAll('svg text')].map(one => one.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom]),
  lines: () => [...document.querySelectorAll('svg text, svg tspan')].map(one => one.textContent),
};

async function answer(page, command) {
  const [verb, what] = Object.entries(command)[0];
  if (verb === 'goto') await page.goto(what, { waitUntil: 'domcontentloaded', timeout: 120000 });
  else if (verb === 'wait') await pause(what);
  else if (verb === 'key') await page.keyboard.press(what);
  else if (verb === 'push') await page.click(`[data-cy="${what}"]`);
  else if (verb === 'press') await page.mouse.click(what[0], what[1]);
  else if (verb === 'shot') await page.screenshot({ path: what });
  else if (verb === 'ask') return page.evaluate(asked[what]);
  else {
    const at = await place(page, verb === 'beside' ? what[0] : what, verb === 'beside');
    if (!at) return false;
    if (verb === 'beside') await page.mouse.click(at.right + what[1], at.y);
    else await page.mouse.click(at.x, at.y, { count: verb === 'open' ? 2 : 1 });
  }
  return true;
}

(async () => {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, protocolTimeout: 600000,
    defaultViewport: { width: 1600, height: 1000 },
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  });
  const page = await browser.newPage();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let reply;
    try { reply = { done: await answer(page, JSON.parse(line)) }; } catch (error) { reply = { error: String(error) }; }
    process.stdout.write(JSON.stringify(reply) + '\n');
  }
  await browser.close();
})();
