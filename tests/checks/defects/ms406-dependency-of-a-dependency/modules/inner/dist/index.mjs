export const word = "good day";
