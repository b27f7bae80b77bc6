exports.name = require("./lib/name");
exports.render = (file) => require("templates")(file);
exports.old = () => require("unused-at-run-time");
