"use strict";
const web = require("web");
const { settings } = require("./settings");
// const gone = require("gone");
let fast;
try {
  fast = require("fast");
} catch {
  fast = null;
}
if (process.env.NODE_ENV !== "production") {
  require("compiler");
  require("watcher");
}
const plugins = settings.plugins.map((name) => require(name));
console.log(web.name, plugins.length, fast, /require\("nothing"\)/.test("x"));
