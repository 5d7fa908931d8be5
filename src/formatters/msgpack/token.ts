/** The bytes of MessagePack that the code beside this file has to name. */

export const token = {
  /** First record reference; below are positive integers. One byte each for the first 32. */
  record: 0x40,
  /** First record reference with a second byte. */
  longRecord: 0x60,
  fixMap: 0x80,
  fixArray: 0x90,
  fixString: 0xa0,
  nil: 0xc0,
  false: 0xc2,
  true: 0xc3,
  binary8: 0xc4,
  binary16: 0xc5,
  binary32: 0xc6,
  float32: 0xca,
  float64: 0xcb,
  uint8: 0xcc,
  uint16: 0xcd,
  uint32: 0xce,
  int8: 0xd0,
  int16: 0xd1,
  int32: 0xd2,
  fixExtension1: 0xd4,
  string8: 0xd9,
  string16: 0xda,
  string32: 0xdb,
  array16: 0xdc,
  array32: 0xdd,
  map16: 0xde,
  map32: 0xdf,
  negative: 0xe0,
} as const;

/** Extension types: the only two that are accepted. Both are `fixext 1` with the data byte 0. */
export const extension = {
  undefined: 0,
  /** Followed by the array of a tagged value's items. */
  tagged: 0x54,
} as const;
