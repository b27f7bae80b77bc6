module.exports = "used";
