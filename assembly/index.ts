// The ABI: every export, in the order a record meets them. Constants cross as exported globals.
export { BAD_INPUT, INPUT_ENDS, mark, NO_MEMORY, OUTPUT_FULL, report, reserve, rewind, SLACK } from "./memory";
export { BASE64_BITS, BASE64_BYTE, BASE64_ENDS, base64Decode, base64Encode } from "./codec/base64";
export { MD5_STATE_SIZE, md5, md5Final, md5Init, md5Many, md5Update } from "./codec/md5";
export { TAR_ROW, tarHeaders } from "./archive/tar";
export { TAR_CHECKSUM, TAR_ENTRY, TAR_LONG, TAR_NAME, TAR_NUMBER, TAR_PAX, TAR_SPARSE, tarEntry } from "./archive/untar";
export { snappyBound, snappyCompress, snappyDecompress } from "./codec/snappy";
export { CODEC_NONE, CODEC_SNAPPY, LOGICAL_MICROS, LOGICAL_MILLIS, LOGICAL_NANOS, LOGICAL_NONE, LOGICAL_STRING } from "./columnar/chunk";
export { appendBatch, finishRowGroup, openWriter, resetRowGroup, rowGroupBytes, takePages } from "./columnar/rowgroup";
export { putFooter, putFooterEnd, putRowGroup } from "./columnar/footer";
