import { greet } from "outer/greeting";
console.log(greet("you"));
