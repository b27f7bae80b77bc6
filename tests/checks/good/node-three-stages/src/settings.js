exports.settings = { plugins: [] };
