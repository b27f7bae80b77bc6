exports.name = require("./name");
