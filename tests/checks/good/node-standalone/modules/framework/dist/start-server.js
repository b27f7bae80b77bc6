exports.startServer = ({ dir }) => console.log("started", dir.length > 0);
exports.optimise = async () => (await import("images")).default;
