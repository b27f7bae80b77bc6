import { word } from "inner";
export const greet = (name) => `${word}, ${name}`;
