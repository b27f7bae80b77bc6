#!/usr/bin/env node
import outer, { deep } from "outer";
import { feature } from "outer/features/deep";
import * as library from "@repo/library";
import { one } from "#lib/one";
import self from "web/self";
import again from "#outer";
import { createRequire } from "node:module";
import { readFile } from "fs/promises";
export { one } from "#lib/one";

const require = createRequire(import.meta.url);
const data = require("./data.json");
console.log(outer, deep, feature, library.name, one, self, again, data.value, typeof readFile);
if (process.argv[2]) await import(process.argv[2]);
