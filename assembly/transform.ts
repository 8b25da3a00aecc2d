// The ABI of the second binary: what works on one record after the other, for the firehose stage alone.
// Constants cross as exported globals.
export { BAD_INPUT, mark, NO_MEMORY, OUTPUT_FULL, report, reserve, rewind, SLACK } from "./memory";
export { AGGREGATES, GZIP, LOGS, RECORD_ROW, TEXTS, transformRecords } from "./transform/frame";
export { ASK_HOST, DROPPED, OK, SAME } from "./transform/outcome";
export { CSV, KERNEL_APACHE, KERNEL_IDENTITY, KERNEL_JSON_ROW, KERNEL_STREAM_RECORD, KERNEL_SYSLOG } from "./transform/kernels";
export { APACHE_BYTES, APACHE_HOST, APACHE_IDENT, APACHE_REQUEST, APACHE_STATUS, APACHE_TIME, APACHE_USER } from "./transform/apache";
export { SYSLOG_FIELD, SYSLOG_HOST, SYSLOG_PRIORITY, SYSLOG_STRUCTURED, SYSLOG_TIME } from "./transform/syslog";
export {
  JSON_CONTROL, JSON_DEPTH, JSON_ESCAPE, JSON_NO_ITEM, JSON_NOT_OBJECT, JSON_TEXT_ENDS, JSON_TYPED, JSON_UTF8, MAX_DEPTH,
} from "./codec/json";
