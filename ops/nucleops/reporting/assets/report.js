// Rotatable structures. Where scripts or WebGL are missing, the pictures below stay instead.
(function () {
  "use strict";
  var host = document.getElementById("viewer");
  if (!host) { return; }
  var stage = document.getElementById("stage");
  function has3d() {
    try {
      var c = document.createElement("canvas");
      return Boolean(window.WebGLRenderingContext && (c.getContext("webgl2") || c.getContext("webgl")));
    } catch (error) { return false; }
  }
  if (typeof $3Dmol === "undefined" || !has3d()) { host.dataset.state = "pictures"; return; }
  var structures = JSON.parse(document.getElementById("structure-data").textContent);
  var colours = JSON.parse(document.getElementById("colour-data").textContent);
  var metals = { Ag: 1, Au: 1, Cu: 1 };
  var radii = { H: 0.22, C: 0.34, N: 0.36, O: 0.34, S: 0.46 };
  var dark = window.matchMedia ? window.matchMedia("(prefers-color-scheme: dark)") : { matches: false };
  var view, liquid, current = 0, solvent = true, spinning = false;

  function background() { return dark.matches ? "#1a1e24" : "#ffffff"; }
  // Cluster and solvent are two models, because 3Dmol keeps one opacity for each model.
  function addPart(s, wet) {
    var place = {}, atoms = [];
    s.el.forEach(function (e, i) {
      if (Boolean(s.solvent[i]) !== wet) { return; }
      place[i] = atoms.length;
      atoms.push({ elem: e, x: s.xyz[i][0], y: s.xyz[i][1], z: s.xyz[i][2], serial: atoms.length,
                   bonds: [], bondOrder: [] });
    });
    s.bonds.forEach(function (b) {
      var i = place[b[0]], j = place[b[1]];
      if (i === undefined || j === undefined) { return; }
      atoms[i].bonds.push(j); atoms[i].bondOrder.push(1);
      atoms[j].bonds.push(i); atoms[j].bondOrder.push(1);
    });
    var model = view.addModel();
    model.addAtoms(atoms);
    return model;
  }
  function styleCluster(model) {
    Object.keys(colours).forEach(function (e) {
      var r = metals[e] ? 0.75 : (radii[e] || 0.35);
      model.setStyle({ elem: e },
        { sphere: { radius: r, color: colours[e] }, stick: { radius: 0.13, color: colours[e] } });
    });
  }
  function styleSolvent(model) {
    Object.keys(colours).forEach(function (e) {
      model.setStyle({ elem: e }, solvent ? { stick: { radius: 0.06, color: colours[e], opacity: 0.4 } } : {});
    });
  }
  function show(k) {
    var s = structures[k];
    current = k;
    view.removeAllModels(); view.removeAllShapes();
    var cluster = addPart(s, false);
    liquid = addPart(s, true);
    styleCluster(cluster);
    styleSolvent(liquid);
    s.contacts.forEach(function (c) {
      var a = s.xyz[c[0]], b = s.xyz[c[1]];
      view.addCylinder({ start: { x: a[0], y: a[1], z: a[2] }, end: { x: b[0], y: b[1], z: b[2] },
        radius: 0.07, color: colours[s.el[c[0]]] || "#E69F00", opacity: 0.75, dashed: true });
    });
    view.zoomTo({ model: cluster });
    view.zoom(0.82);
    view.render();
    Array.prototype.forEach.call(host.querySelectorAll("[data-structure]"), function (b) {
      b.setAttribute("aria-pressed", String(Number(b.dataset.structure) === k));
    });
    document.getElementById("structure-note").textContent = s.title + ": " + s.note;
  }
  try {
    stage.hidden = false;
    view = $3Dmol.createViewer(stage, { backgroundColor: background(), antialias: true });
    if (!view) { throw new Error("no viewer"); }
    show(0);
  } catch (error) {
    stage.hidden = true; host.dataset.state = "pictures"; return;
  }
  host.dataset.state = "rotatable";
  host.classList.add("live");
  Array.prototype.forEach.call(host.querySelectorAll("[data-live]"), function (e) { e.hidden = false; });
  host.addEventListener("click", function (event) {
    var b = event.target.closest ? event.target.closest("button") : null;
    if (!b) { return; }
    if (b.dataset.structure !== undefined) { show(Number(b.dataset.structure)); }
    if (b.dataset.action === "solvent") {
      solvent = !solvent; b.setAttribute("aria-pressed", String(solvent)); styleSolvent(liquid); view.render();
    }
    if (b.dataset.action === "spin") {
      spinning = !spinning; b.setAttribute("aria-pressed", String(spinning)); view.spin(spinning ? "y" : false, 0.6);
    }
    if (b.dataset.action === "reset") { show(current); }
  });
  if (dark.addEventListener) {
    dark.addEventListener("change", function () { view.setBackgroundColor(background()); });
  }
}());
