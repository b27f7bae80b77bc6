console.log(require("used"));
