"use strict";
let styles;
try { styles = require("styles"); } catch (error) { styles = null; }
module.exports = { get images() { return require("images"); }, styles };
