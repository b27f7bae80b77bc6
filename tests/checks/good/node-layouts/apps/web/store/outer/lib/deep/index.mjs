export const deep = "deep";
export const feature = "feature";
