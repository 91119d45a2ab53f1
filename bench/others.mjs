/**
 * What other systems add, as read from their sources and documents (file and line in each project; not measured here).
 * `-`: it has no such thing, or it was not found.
 * @typedef {object} System
 * @property {string} system
 * @property {string} packet bytes of each packet
 * @property {string} unreliable overhead of a 20-byte message sent alone, acks present; in parentheses each further one
 * @property {string} reliable the same
 * @property {string} fragment
 * @property {string} acks
 */

/** @type {readonly System[]} */
export const others = [
  {
    system: 'pickleback',
    packet: '14 (8 of them salt; 11 without acks)',
    unreliable: '18 (4; 5 above 255 B)',
    reliable: '18 (4)',
    fragment: '7',
    acks: '1 per 7 packets, at most 50',
  },
  {
    system: 'netstack',
    packet: '56 (32 of them HMAC)',
    unreliable: '56',
    reliable: '-',
    fragment: '-',
    acks: 'in header',
  },
  {
    system: 'fastnet',
    packet: '36 (24 of them nonce and tag)',
    unreliable: '36',
    reliable: '36',
    fragment: '36',
    acks: 'in header',
  },
  {
    system: 'aeronet',
    packet: '8',
    unreliable: '13 (5; 6 from 128 B)',
    reliable: '13 (5)',
    fragment: '5-7',
    acks: 'in header',
  },
  {
    system: 'renet',
    packet: '5-12, + 18-25 of netcode',
    unreliable: '6-13 (1-2), + 18-25',
    reliable: '7-21 (2-10), + 18-25',
    fragment: '8-24, one per packet',
    acks: 'a packet of its own: 1 + sequence + 3 or more',
  },
  {
    system: 'reliable',
    packet: '4-9',
    unreliable: '-',
    reliable: '-',
    fragment: '5',
    acks: 'in header, elided when all were heard',
  },
  {
    system: 'yojimbo',
    packet: "reliable's and netcode's, + 1-2",
    unreliable: '~2 more',
    reliable: '~4 more (1 bit and type)',
    fragment: '~5-6',
    acks: "reliable's",
  },
  {
    system: 'GameNetworkingSockets',
    packet: '23 (16 of them tag)',
    unreliable: '26 (1-2)',
    reliable: '28 (1)',
    fragment: '4-7',
    acks: '5 + 1 per run below 8; 2-9 for stop-waiting',
  },
  {
    system: 'LiteNetLib',
    packet: '0',
    unreliable: '1 (merged: 1 once, 2 each)',
    reliable: '4 (merged + 2)',
    fragment: '10',
    acks: '13 per ack packet; ping 3, pong 11',
  },
  {
    system: 'ENet',
    packet: '4 (+ 4 checksum)',
    unreliable: '12 (8)',
    reliable: '10 (6)',
    fragment: '24',
    acks: '8 per command',
  },
  {
    system: 'KCP',
    packet: '0',
    unreliable: '-',
    reliable: '24 per segment',
    fragment: '24',
    acks: '24 per ack',
  },
  {
    system: 'lightyear',
    packet: '13 (4 of them tick)',
    unreliable: '17 (2)',
    reliable: '19 (4)',
    fragment: '13 + 6-8',
    acks: 'in header',
  },
  {
    system: 'naia',
    packet: '~11 (bit-packed, tick included)',
    unreliable: 'kind bits and 1 bit more',
    reliable: '16 bits more (relative after the first)',
    fragment: 'one per 430 B packet',
    acks: 'in header',
  },
  {
    system: 'geckos.io',
    packet: '0',
    unreliable: 'JSON: 5 + event name + text of the data',
    reliable: '10 copies of ~70 + data within 1.35 s',
    fragment: '-',
    acks: 'none',
  },
  {
    system: 'Colyseus',
    packet: '2-4 of WebSocket (+ 4 mask up), TCP, TLS',
    unreliable: '-',
    reliable: '1 + type + msgpack',
    fragment: '-',
    acks: 'TCP',
  },
  {
    system: 'trystero',
    packet: '-',
    unreliable: '-',
    reliable: '36 per 16 KiB',
    fragment: '36',
    acks: 'SCTP',
  },
  {
    system: 'peerjs',
    packet: '-',
    unreliable: '-',
    reliable: 'binarypack envelope per 16,300 B',
    fragment: '-',
    acks: 'SCTP',
  },
]
