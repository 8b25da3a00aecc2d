// The package has no types of its own.
declare module 'zstd-codec' {
  const module: { ZstdCodec: import('../src/parquet/codec.js').ZstdCodecModule }
  export default module
}
