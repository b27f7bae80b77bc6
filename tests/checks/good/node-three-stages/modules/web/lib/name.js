module.exports = "web";
