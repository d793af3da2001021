// The viewer of the report: slices of the scan with the heatmap over it, and the skull, drawn by NiiVue.
//
// Volumes and scripts lie in the page as base64. The scan is stored as codes of 8 bits, each of which stands for a HU
// of `facts.table_hu`. The heatmap is in units of its threshold where it has one, which is 1 then.
"use strict";

const facts = JSON.parse(document.getElementById("facts").textContent);
const at = (id) => document.getElementById(id);
const all = (query) => [...document.querySelectorAll(query)];

const STEP_MM = 1; // of an arrow key
const FAR_MM = 10; // with Shift
const OPACITY = 35; // of the heatmap at first, in percent
const TURN_DEG = 0.4; // of the skull, at each picture
const SIDES = { front: [180, 8], right: [270, 8], back: [0, 8], left: [90, 8], top: [180, 80] }; // azimuth, elevation
const PLANES = { three: "sliceTypeMultiplanar", axial: "sliceTypeAxial", coronal: "sliceTypeCoronal", sagittal: "sliceTypeSagittal" };

function bytesIn(id) {
  const text = atob(at(id).textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflated(bytes, format) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  return new Response(stream).arrayBuffer();
}

// A file of NIfTI with 8-bit codes as one with 16-bit HU.
function inHU(file) {
  const HEADER = 352, TYPE = 70, BITS = 72, INT16 = 4;
  const codes = new Uint8Array(file, HEADER);
  const whole = new ArrayBuffer(HEADER + 2 * codes.length);
  new Uint8Array(whole).set(new Uint8Array(file, 0, HEADER));
  const header = new DataView(whole);
  header.setInt16(TYPE, INT16, true);
  header.setInt16(BITS, 16, true);
  const table = Int16Array.from(facts.table_hu), hu = new Int16Array(whole, HEADER);
  for (let i = 0; i < codes.length; i++) hu[i] = table[codes[i]];
  return whole;
}

async function loadNiivue() {
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await inflated(bytesIn("niivue-file"), "deflate"));
  document.head.append(script);
  return window.niivue;
}

// The colours: from the threshold to twice it those of the contours of the pictures, otherwise those of their heatmaps.
// Below where they begin nothing is drawn.
function colourMap() {
  const stops = facts.scaled ? facts.contour_rgb : facts.heat_rgb, last = stops.length - 1;
  const channel = (which) => [0, ...stops.map((rgb) => rgb[which])];
  return {
    R: channel(0), G: channel(1), B: channel(2), A: [0, ...stops.map(() => 255)],
    I: [0, ...stops.map((_, i) => Math.round(1 + (254 * i) / last))],
  };
}

const side = (x) => (Math.abs(x) < 0.5 ? "" : x > 0 ? " (right)" : " (left)"); // of the scanner's middle

async function showSlices(niivue) {
  const nv = new niivue.Niivue({
    backColor: [0, 0, 0, 1], crosshairColor: [0.92, 0.93, 0.95, 0.75], crosshairWidth: 0.5, crosshairWidthUnit: "mm",
    isRadiologicalConvention: true, sagittalNoseLeft: true, isSliceMM: true, isCornerOrientationText: false,
    multiplanarShowRender: niivue.SHOW_RENDER ? niivue.SHOW_RENDER.NEVER : 0, tileMargin: 4, textHeight: 0.05,
    fontColor: [0.92, 0.93, 0.95, 1], showAllOrientationMarkers: true, crosshairGap: 12,
    dragAndDropEnabled: false, scrollRequiresFocus: true, viewModeHotKey: "", clipPlaneHotKey: "",
    dragMode: niivue.DRAG_MODE ? niivue.DRAG_MODE.windowing : 9, loadingText: "", logLevel: "error",
  });
  await nv.attachToCanvas(at("slices"));
  nv.addColormap("excess", colourMap());
  const scan = inHU(await inflated(bytesIn("scan-file"), "gzip"));
  const load = (url, name, colormap) => niivue.NVImage.loadFromUrl({ url, name, colormap, cal_min: 0, cal_max: 1 });
  nv.volumes = [await load(scan, "scan.nii", "gray")]; // drawn together with the heatmap, for the first time
  return [nv, await load(bytesIn("heat-file").buffer, "heat.nii.gz", "excess")];
}

function controlSlices(nv, heat) {
  const state = { heat: true, chosen: -1, window: "" };
  const move = (mm) => { nv.scene.crosshairPos = nv.mm2frac(mm); nv.createOnLocationChange(); nv.drawScene(); };
  const here = () => [...nv.frac2mm(nv.scene.crosshairPos)].slice(0, 3);

  function draw() { // every change of colours draws all voxels anew
    if (nv.volumes.length > 1) nv.updateGLVolume();
    else nv.addVolume(heat);
  }

  function windowed(name) { // true if that is a change
    if (state.window === name) return false;
    state.window = name;
    [nv.volumes[0].cal_min, nv.volumes[0].cal_max] = facts.windows_hu[name];
    for (const button of all("[data-window]")) button.setAttribute("aria-pressed", button.dataset.window === name);
    return true;
  }

  function heated() {
    const from = Number(at("from").value);
    heat.cal_min = from;
    heat.cal_max = facts.scaled ? 2 * from : facts.top;
    heat.opacity = state.heat ? Number(at("opacity").value) / 100 : 0;
    at("heat").setAttribute("aria-pressed", state.heat);
    at("from-text").textContent = facts.scaled ? `${from.toFixed(2)} x threshold` : from.toFixed(1);
  }

  function setPlanes(name) {
    const tile = (type, position) => ({ sliceType: nv[type], position });
    for (const button of all("[data-planes]")) button.setAttribute("aria-pressed", button.dataset.planes === name);
    nv.clearCustomLayout();
    nv.setSliceType(nv[PLANES[name]]);
    if (name !== "three") return;
    const tall = nv.canvas.clientHeight > nv.canvas.clientWidth;
    nv.setCustomLayout(tall ? [
      tile("sliceTypeAxial", [0, 0, 1, 0.6]), tile("sliceTypeCoronal", [0, 0.6, 0.5, 0.4]), tile("sliceTypeSagittal", [0.5, 0.6, 0.5, 0.4]),
    ] : [
      tile("sliceTypeAxial", [0, 0, 0.58, 1]), tile("sliceTypeCoronal", [0.58, 0, 0.42, 0.5]), tile("sliceTypeSagittal", [0.58, 0.5, 0.42, 0.5]),
    ]);
  }

  function goTo(number, first = false) {
    const found = facts.detections[number];
    if (!found) return;
    state.chosen = number;
    for (const row of all("#detections tbody tr")) {
      row.classList.toggle("chosen", Number(row.dataset.place) === number);
      row.setAttribute("aria-current", Number(row.dataset.place) === number);
    }
    if (windowed(found.bone ? "bone" : "brain") || first) draw();
    move(found.at_mm);
  }

  function reset() {
    [at("from").value, at("opacity").value, state.heat] = [facts.scaled ? 1 : 0.25 * facts.top, OPACITY, true];
    heated();
    if (facts.detections.length) return goTo(0, true);
    windowed("brain");
    draw();
    move(nv.frac2mm([0.5, 0.5, 0.5]).slice(0, 3));
  }

  nv.onLocationChange = (place) => {
    const [x, y, z] = place.mm, [hu, heat] = place.values.map((one) => one.value), words = [];
    words.push(`x ${x.toFixed(0)} mm${side(x)}, y ${y.toFixed(0)} mm, z ${z.toFixed(0)} mm`);
    if (facts.slices) {
      const along = facts.slices.along;
      const slice = Math.round(along[0] * x + along[1] * y + along[2] * z + along[3]) + 1;
      words.push(`slice ${Math.min(Math.max(slice, 1), facts.slices.count)} of ${facts.slices.count}`);
    }
    words.push(`${Math.round(hu)} HU`);
    const most = heat >= facts.top - 1e-6 ? "at least " : "";
    words.push(facts.scaled ? `heat ${most}${heat.toFixed(1)} x threshold` : `heat ${most}${heat.toFixed(1)}`);
    at("place").textContent = words.join(" · ");
  };

  const steps = {
    ArrowLeft: [1, 0, 0], ArrowRight: [-1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0], PageUp: [0, 0, 1], PageDown: [0, 0, -1],
  }; // in the axial image, the patient's right is on the left, and the front is up
  const names = all("[data-window]").map((button) => button.dataset.window), count = facts.detections.length;
  const keys = {
    n: () => goTo((state.chosen + 1) % count), p: () => goTo((state.chosen - 1 + count) % count), r: reset,
    h: () => { state.heat = !state.heat; heated(); draw(); },
    ...Object.fromEntries(names.map((name, i) => [String(i + 1), () => windowed(name) && draw()])),
  };
  at("slices").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = steps[event.key], action = keys[event.key.toLowerCase()];
    if (!step && !action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const length = event.shiftKey ? FAR_MM : STEP_MM;
    if (step) move(here().map((value, axis) => value + length * step[axis]));
    else action();
  }, { capture: true });

  for (const button of all("[data-window]")) button.addEventListener("click", () => windowed(button.dataset.window) && draw());
  for (const button of all("[data-planes]")) button.addEventListener("click", () => setPlanes(button.dataset.planes));
  for (const row of all("#detections tbody tr")) {
    row.querySelector("button").disabled = false;
    row.addEventListener("click", () => goTo(Number(row.dataset.place)));
  }
  let waiting = false;
  const soon = () => { // once a picture, however fast a slider moves
    if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
    waiting = true;
  };
  const from = at("from");
  [from.min, from.max, from.step] = facts.scaled ? [0.5, 4, 0.05] : [0, facts.top, facts.top / 100];
  for (const id of ["from", "opacity"]) at(id).addEventListener("input", () => { heated(); soon(); });
  at("heat").addEventListener("click", keys.h);
  reset();
  setPlanes("three");
  return goTo;
}

async function showSkull(niivue) {
  const nv = new niivue.Niivue({
    backColor: [14 / 255, 16 / 255, 20 / 255, 1], show3Dcrosshair: false, isOrientationTextVisible: false,
    dragAndDropEnabled: false, scrollRequiresFocus: true, viewModeHotKey: "", clipPlaneHotKey: "", loadingText: "", logLevel: "error",
  });
  await nv.attachToCanvas(at("skull"));
  nv.setSliceType(nv.sliceTypeRender);
  nv.addMesh(await niivue.NVMesh.loadFromUrl({ buffer: bytesIn("skull-file").buffer, url: "skull.mz3", name: "skull.mz3", gl: nv.gl }));
  return nv;
}

// From where the most unusual place of the skull is seen, or the front.
function first() {
  const found = facts.detections.find((one) => one.bone);
  if (!found) return SIDES.front;
  const [x, y, z] = found.at_mm.map((value, axis) => value - facts.middle_mm[axis]), degrees = 180 / Math.PI;
  return [(180 + degrees * Math.atan2(x, y)) % 360, Math.max(-20, degrees * Math.atan2(z, Math.hypot(x, y)))];
}

function controlSkull(nv) {
  let [azimuth, elevation] = first(), turning = false, seen = false;
  const show = () => nv.setRenderAzimuthElevation(azimuth, elevation);
  const view = (to) => { turn(false); [azimuth, elevation] = to; show(); };

  function turn(on) {
    if (on === turning) return;
    turning = on;
    at("turn").setAttribute("aria-pressed", on);
    if (!on) return;
    [azimuth, elevation] = [nv.scene.renderAzimuth, nv.scene.renderElevation];
    requestAnimationFrame(function next() {
      if (!turning) return;
      if (seen) { azimuth = (azimuth + TURN_DEG) % 360; show(); }
      requestAnimationFrame(next);
    });
  }

  new IntersectionObserver(([entry]) => { seen = entry.isIntersecting; }).observe(at("skull"));
  at("turn").addEventListener("click", () => turn(!turning));
  at("skull").addEventListener("pointerdown", () => turn(false));
  for (const button of all("[data-side]")) button.addEventListener("click", () => view(SIDES[button.dataset.side]));
  const steps = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] };
  at("skull").addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (step) view([nv.scene.renderAzimuth + step[0], nv.scene.renderElevation + step[1]]);
    else turn(!turning);
  }, { capture: true });
  show();
  turn(!matchMedia("(prefers-reduced-motion: reduce)").matches);
}

async function start() {
  const webgl = document.createElement("canvas").getContext("webgl2");
  if (!webgl) throw new Error("This browser has no WebGL 2, which the viewer needs. The picture needs none.");
  webgl.getExtension("WEBGL_lose_context")?.loseContext();
  const niivue = await loadNiivue();
  at("viewer").hidden = false;
  at("no-viewer").hidden = true;
  const [nv, heat] = await showSlices(niivue);
  document.querySelector("#later details").append(at("picture"));
  at("later").hidden = false;
  window.report = { slices: nv, goTo: controlSlices(nv, heat) }; // for tests, and for those who look into the page
  document.documentElement.dataset.ready = "yes";
  if (!at("skull-file").textContent) return; // no bone
  at("surface").hidden = false;
  const watch = new IntersectionObserver(async ([entry]) => { // the skull is not drawn before it is seen
    if (!entry.isIntersecting) return;
    watch.disconnect();
    window.report.skull = await showSkull(niivue);
    controlSkull(window.report.skull);
  });
  watch.observe(at("surface"));
}

start().catch((error) => {
  at("viewer").hidden = true;
  at("no-viewer").hidden = false;
  at("no-viewer").textContent = error.message;
  document.documentElement.dataset.ready = "no";
});
