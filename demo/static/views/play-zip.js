// A ZIP file with stored, uncompressed entries (PKWARE's APPNOTE.TXT, sections 4.3 and 4.4).

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

// Return the CRC-32 of bytes.
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

// Return numbers as little-endian bytes: [[value, bytes], …].
function pack(fields) {
  const packed = new DataView(new ArrayBuffer(fields.reduce((sum, [, length]) => sum + length, 0)));
  let at = 0;
  for (const [value, length] of fields) {
    length === 2 ? packed.setUint16(at, value, true) : packed.setUint32(at, value, true);
    at += length;
  }
  return packed;
}

const VERSION = 20, UTF8 = 0x800, DAY = 0x21; // of the format; names are UTF-8; 1 January 1980: ZIP's first day

// Return a ZIP file of {name: Blob or text} as a Blob.
export async function zipOf(files) {
  const parts = [], directory = [];
  let at = 0, size = 0;
  for (const [name, content] of Object.entries(files)) {
    const bytes = new Uint8Array(await new Blob([content]).arrayBuffer()), encoded = new TextEncoder().encode(name);
    const common = [ // from the version to the length of the extra field
      [VERSION, 2], [UTF8, 2], [0, 2], [0, 2], [DAY, 2], [crc32(bytes), 4],
      [bytes.length, 4], [bytes.length, 4], [encoded.length, 2], [0, 2],
    ];
    const header = pack([[0x04034b50, 4], ...common]);
    const entry = pack([[0x02014b50, 4], [VERSION, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]);
    parts.push(header, encoded, bytes);
    directory.push(entry, encoded);
    at += header.byteLength + encoded.length + bytes.length;
    size += entry.byteLength + encoded.length;
  }
  const count = directory.length / 2;
  const end = pack([[0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [at, 4], [0, 2]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
