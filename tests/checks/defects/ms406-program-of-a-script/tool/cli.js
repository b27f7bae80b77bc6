#!/usr/bin/env node
console.log("serves", process.argv.slice(2).join(" "));
