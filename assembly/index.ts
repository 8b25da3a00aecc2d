// The ABI: every export, in the order a record meets them. Constants cross as exported globals.
export { BAD_INPUT, INPUT_ENDS, mark, NO_MEMORY, OUTPUT_FULL, report, reserve, rewind, SLACK } from "./memory";
