module.exports = "library";
