/**
 * A second implementation of the wire, written from `src/core/wire/WIRE.md` alone: slow, clear, allocating. It shares no
 * code with `src/core`. `decodePacket` accepts exactly the packets that the format allows, in their only encoding;
 * `encodePacket` crafts them, and broken ones too.
 *
 * Where the page leaves a reader room, this one is strict:
 * bytes after a hello or welcome, a `heard` with a code or data, a channel outside the table, particulars with an index
 * beyond count + parity, parity on a kind without it, and a parity payload that fits no message are malformed. It judges
 * one packet at a time: what needs memory (fragments that contradict each other, ids outside the window, messages above
 * `maxMessageBytes`) is not its work. A zero bit for a packet below 0 is let through.
 */
export * from './oracle-ack.ts'
export * from './oracle-decoder.ts'
export * from './oracle-encoder.ts'
export * from './oracle-parity.ts'
export * from './oracle-primitives.ts'
export * from './oracle-repair.ts'
export * from './oracle-tree.ts'
