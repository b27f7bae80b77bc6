const native = require('native');
console.log(native.kind);
