import inner from "inner";
export default `outer with ${inner}`;
export { deep } from "./deep/index.mjs";
