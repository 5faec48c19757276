/**
 * What one frame or call of a client may hold, besides its bytes. Small things cost more than bytes do: decoded without
 * a limit, 256 KiB of empty messages keep the process busy for a third of a second.
 */
export const frameLimits = {
  commands: 256,
  /** Places that one ack names. */
  ackItems: 256,
  /** Messages inside others, in all. A sync names up to 5,000 conversations … */
  messages: 8_192,
  /** … of eight fields each. */
  fields: 65_536,
  /** In JSON: objects and arrays in all … */
  jsonObjects: 6_144,
  /** … and whatever else is not a name. */
  jsonValues: 32_768,
} as const;
