"use strict";
// Makes the treemap zoom and the tables searchable. Without it the page shows the same numbers.
// Text is only ever set as text, and styles by property: the page's policy allows nothing else.
(() => {
  // The same numbers as in treemap.py.
  const FRAME = 2, TITLE = 19, LEAST_WIDTH = 30, LEAST_HEIGHT = 34, LEAST_AREA = 12;
  const MOST_ROWS = 200;
  const byId = (id) => document.getElementById(id);

  function make(tag, classes, text) {
    const element = document.createElement(tag);
    if (classes) element.className = classes;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // The tree is read from the list that is in the page.
  function read(item, path, parent) {
    const list = item.querySelector(":scope > details > ul, :scope > ul");
    const label = item.querySelector(":scope > bdi, :scope > details > summary > bdi");
    const amount = item.querySelector(":scope > span, :scope > details > summary > span");
    const [color, kind] = item === tree ? ["", "d"] : item.className.split(" ");
    const node = {
      name: label ? label.textContent : "/",
      size: amount ? amount.textContent : item.dataset.s,
      path, parent, color, kind,
      bytes: Number(item.dataset.b), files: Number(item.dataset.n || 1), line: item.dataset.l || "",
    };
    node.children = list ? [...list.children].map((child) => {
      const below = child.querySelector(":scope > bdi, :scope > details > summary > bdi");
      return read(child, `${path}/${below.textContent}`, node);
    }) : [];
    return node;
  }

  const tree = byId("tree");
  const root = tree && read(tree, "", null);
  const labels = new Map();
  for (const item of document.querySelectorAll(".legend li")) {
    labels.set(item.querySelector(".swatch").classList[1], item.querySelector(".who bdi").textContent);
  }

  // As in squarify.py; a test compares the two.
  function squarify(sizes, box) {
    const total = sizes.reduce((sum, each) => sum + each, 0);
    if (!(total > 0 && box.width > 0 && box.height > 0)) return sizes.map(() => ({ x: box.x, y: box.y, width: 0, height: 0 }));
    const scale = (box.width * box.height) / total;
    const placed = [];
    let { x, y, width, height } = box;
    const worst = (area, largest, smallest, side) => (area > 0 && smallest > 0 && side > 0
      ? Math.max((side * side * largest) / (area * area), (area * area) / (side * side * smallest)) : Infinity);
    for (let start = 0; start < sizes.length;) {
      const side = Math.min(width, height), largest = sizes[start] * scale;
      let area = largest, ratio = worst(area, largest, largest, side), end = start + 1;
      for (; end < sizes.length; end++) {
        const part = sizes[end] * scale, longer = worst(area + part, largest, part, side);
        if (longer > ratio) break;
        ratio = longer;
        area += part;
      }
      const upright = width >= height;
      const depth = side > 0 ? Math.min(area / side, upright ? width : height) : 0;
      let at = 0;
      for (const size of sizes.slice(start, end)) {
        const length = depth > 0 ? (size * scale) / depth : 0;
        placed.push(upright ? { x, y: y + at, width: depth, height: length } : { x: x + at, y, width: length, height: depth });
        at += length;
      }
      if (upright) [x, width] = [x + depth, Math.max(0, width - depth)];
      else [y, height] = [y + depth, Math.max(0, height - depth)];
      start = end;
    }
    return placed;
  }

  function about(node) {
    const files = node.files === 1 ? "1 file" : `${node.files.toLocaleString("en")} files`;
    const share = root.bytes ? `${((100 * node.bytes) / root.bytes).toFixed(1)}%` : "";
    const parts = [node.path || "/", node.size, share, files];
    if (labels.has(node.color)) parts.push(`${node.kind === "d" ? "mostly " : ""}${labels.get(node.color)}`);
    if (node.line) parts.push(`line ${node.line}`);
    return parts.filter(Boolean).join(" · ");
  }

  function treemap(place) {
    const where = make("nav", "where"), cells = make("div", "cells"), note = make("p", "about");
    where.setAttribute("aria-label", "Directory that the treemap shows");
    cells.setAttribute("role", "group");
    place.replaceChildren(where, cells, note);
    const nodes = new WeakMap();
    let shown = root, buttons = [];

    function cell(node, box, top) {
      const opened = node.children.length > 0 && box.width >= LEAST_WIDTH && box.height >= LEAST_HEIGHT;
      const element = make(top ? "button" : "div", `cell ${opened ? "dir" : node.color}`);
      if (node.children.length) element.classList.add("zoom");
      if (node.kind === "m") element.classList.add("more");
      Object.assign(element.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` });
      if (box.width >= (node.kind === "m" ? 64 : 30) && box.height >= 17) element.append(make("span", "", node.name));
      else element.style.padding = "0";
      if (!opened && box.width >= 60 && box.height >= 36) element.append(make("span", "small", node.size));
      nodes.set(element, node);
      if (top) {
        element.type = "button";
        element.tabIndex = -1;
        element.setAttribute("aria-label", `${about(node)}${node.children.length ? ", opens" : ""}`);
        buttons.push(element);
      } else {
        element.setAttribute("aria-hidden", "true");
      }
      cells.append(element);
      if (opened) inside(node, { x: box.x + FRAME, y: box.y + TITLE, width: Math.max(0, box.width - 2 * FRAME), height: Math.max(0, box.height - TITLE - FRAME) }, false);
    }

    function inside(node, box, top) {
      squarify(node.children.map((child) => child.bytes), box).forEach((part, index) => {
        if (part.width * part.height >= LEAST_AREA) cell(node.children[index], part, top);
      });
    }

    function draw(focused) {
      const above = [];
      for (let node = shown; node; node = node.parent) above.unshift(node);
      where.replaceChildren(...above.map((node) => {
        const button = make("button", "", node.parent ? node.name : "/");
        button.type = "button";
        if (node === shown) button.setAttribute("aria-current", "true");
        button.addEventListener("click", () => go(node, false));
        return button;
      }));
      buttons = [];
      cells.replaceChildren();
      cells.setAttribute("aria-label", `${about(shown)}. Arrow keys move, Enter opens a directory, Escape goes back.`);
      inside(shown, { x: 0, y: 0, width: cells.clientWidth, height: cells.clientHeight }, true);
      note.textContent = about(shown);
      const first = buttons.find((button) => nodes.get(button) === focused) || buttons[0];
      if (first) first.tabIndex = 0;
      if (focused && first) first.focus();
    }

    function go(node, keep) {
      const from = shown;
      shown = node;
      draw(keep ? (from.parent === node ? from : node) : null);
    }

    function move(from, key) {
      const here = from.getBoundingClientRect();
      const middle = (box) => [box.x + box.width / 2, box.y + box.height / 2];
      const [x, y] = middle(here);
      let best = null, least = Infinity;
      for (const button of buttons) {
        if (button === from) continue;
        const [a, b] = middle(button.getBoundingClientRect());
        const [along, beside] = key === "ArrowLeft" ? [x - a, y - b] : key === "ArrowRight" ? [a - x, y - b] : key === "ArrowUp" ? [y - b, x - a] : [b - y, x - a];
        const far = along + 2 * Math.abs(beside);
        if (along > 0 && far < least) [best, least] = [button, far];
      }
      if (best) {
        from.tabIndex = -1;
        best.tabIndex = 0;
        best.focus();
      }
    }

    const nodeAt = (event) => nodes.get(event.target.closest(".cell"));
    cells.addEventListener("click", (event) => {
      let node = nodeAt(event);
      while (node && node !== shown && !node.children.length) node = node.parent;
      if (node && node !== shown) go(node, event.detail === 0);
    });
    cells.addEventListener("mouseover", (event) => { note.textContent = about(nodeAt(event) || shown); });
    cells.addEventListener("mouseleave", () => { note.textContent = about(shown); });
    cells.addEventListener("focusin", (event) => { note.textContent = about(nodeAt(event) || shown); });
    cells.addEventListener("keydown", (event) => {
      if (event.key.startsWith("Arrow")) move(event.target, event.key);
      else if ((event.key === "Escape" || event.key === "Backspace") && shown.parent) go(shown.parent, true);
      else return;
      event.preventDefault();
    });
    let width = 0;
    new ResizeObserver(() => {
      if (cells.clientWidth !== width) {
        width = cells.clientWidth;
        draw(nodes.get(document.activeElement) || null);
      }
    }).observe(cells);
    width = cells.clientWidth;
    draw(null);
  }

  // A search of packages hides rows.
  function searchRows(input, table, count) {
    const rows = [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
    return () => {
      const wanted = input.value.trim().toLowerCase();
      let found = 0;
      for (const [row, text] of rows) {
        row.hidden = !text.includes(wanted);
        found += row.hidden ? 0 : 1;
      }
      count.textContent = wanted ? `${found} of ${rows.length}` : "";
    };
  }

  // A search of files looks into the whole tree, and shows the largest that it finds.
  function searchFiles(input, table, count) {
    const body = table.tBodies[0], first = [...body.rows], all = [];
    (function walk(node) {
      for (const child of node.children) {
        if (child.kind !== "d") all.push([child, child.path.toLowerCase()]);
        walk(child);
      }
    })(root);
    all.sort((one, other) => other[0].bytes - one[0].bytes);
    return () => {
      const wanted = input.value.trim().toLowerCase();
      if (!wanted) {
        body.replaceChildren(...first);
        count.textContent = "";
        return;
      }
      const found = all.filter(([, path]) => path.includes(wanted));
      body.replaceChildren(...found.slice(0, MOST_ROWS).map(([node]) => fileRow(node)));
      count.textContent = `${found.length} of ${all.length}${found.length > MOST_ROWS ? `, the ${MOST_ROWS} largest are shown` : ""}`;
    };
  }

  function fileRow(node) {
    const row = make("tr"), path = make("td"), line = make("td", "num");
    const swatch = make("span", `swatch ${node.color}`);
    swatch.setAttribute("aria-hidden", "true");
    path.append(swatch, make("code", "", node.path));
    if (byId(`L${node.line}`)) {
      const link = make("a", "", node.line);
      link.href = `#L${node.line}`;
      line.append(link);
    } else {
      line.append(node.line || make("span", "none", "–"));
    }
    const who = make("td");
    who.append(make("bdi", "", labels.get(node.color) || ""));
    row.append(path, who, make("td", "num", node.size), line);
    return row;
  }

  for (const input of document.querySelectorAll("input[data-table]")) {
    const table = byId(input.dataset.table), field = input.closest(".search");
    const count = field.querySelector(".count");
    const search = input.dataset.table === "files-table" ? (root && searchFiles(input, table, count)) : searchRows(input, table, count);
    if (!search) continue;
    field.hidden = false;
    input.addEventListener("input", search);
  }
  // Pressing an entry of the legend leaves the colour to what that stage made.
  function legend(item, cells) {
    const color = item.querySelector(".swatch").classList[1], who = item.querySelector(".who");
    const button = make("button", "only");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(...who.childNodes);
    who.append(button);
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "false";
      for (const other of document.querySelectorAll(".only")) other.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-pressed", String(pressed));
      cells.className = pressed ? `cells only-${color}` : "cells";
    });
  }

  for (const element of document.querySelectorAll(".script")) element.hidden = false;

  const place = byId("map");
  if (place && root) {
    treemap(place);
    for (const item of document.querySelectorAll(".legend li")) legend(item, place.querySelector(".cells"));
  }

  // Which section is in view.
  const links = new Map([...document.querySelectorAll("body > nav a")].map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const [id, link] of links) {
        if (id === entry.target.id) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const id of links.keys()) if (byId(id)) watch.observe(byId(id));
})();
