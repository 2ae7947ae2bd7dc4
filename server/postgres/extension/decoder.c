// SPDX-License-Identifier: Apache-2.0
// See decoder.h.
#include "decoder.h"

#include <math.h>
#include <string.h>

static const char kCut[] = "it ends too early";
static const char kLong[] = "it is longer than its samples";
static const char kNumber[] = "a number has an unknown form";

static const double kPowers[7] = {1, 10, 100, 1000, 10000, 100000, 1000000};

static bool GetByte(VigilReader* in, uint8_t* byte) {
  if (in->at == in->end) return false;
  *byte = *in->at++;
  return true;
}

static bool GetVarint(VigilReader* in, uint64_t* value) {
  uint64_t x = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    uint8_t b;
    if (!GetByte(in, &b)) return false;
    x |= (uint64_t)(b & 127) << (shift < 64 ? shift : 63);
    if (b < 128) {
      *value = x;
      return true;
    }
  }
  return false;
}

static uint64_t UnZigZag(uint64_t z) { return (z >> 1) ^ (0 - (z & 1)); }

static bool GetZigZag(VigilReader* in, uint64_t* value) {
  if (!GetVarint(in, value)) return false;
  *value = UnZigZag(*value);
  return true;
}

// w bytes, 0 to 8.
static bool GetInt(VigilReader* in, unsigned w, uint64_t* value) {
  if ((size_t)(in->end - in->at) < w) return false;
  uint64_t x = 0;
  for (unsigned i = 0; i < w; ++i) x |= (uint64_t)in->at[i] << (8 * i);
  in->at += w;
  *value = x;
  return true;
}

static uint64_t SignExtended(uint64_t u, unsigned w) {
  if (w == 0 || w >= 8) return u;
  const uint64_t sign = UINT64_C(1) << (8 * w - 1);
  return (u ^ sign) - sign;
}

static uint64_t BitsOf(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static uint64_t DecimalBits(uint64_t m, unsigned k) {
  return BitsOf((double)(int64_t)m / kPowers[k]);
}

typedef struct Number {
  uint64_t bits;
  bool decimal;
  uint64_t integer;  // when decimal
} Number;

static bool GetNumber(VigilReader* in, Number* number) {
  uint8_t c;
  if (!GetByte(in, &c)) return false;
  const unsigned k = c >> 4, w = c & 15;
  uint64_t u;
  number->decimal = k <= 6;
  if (number->decimal) {
    if (w > 7 || !GetInt(in, w, &u)) return false;
    number->integer = SignExtended(u, w);
    number->bits = DecimalBits(number->integer, k);
    return true;
  }
  if (k != 8 || w > 8 || !GetInt(in, w, &u)) return false;
  number->bits = w == 0 ? 0 : u << (64 - 8 * w);
  return true;
}

typedef struct Packed {
  const uint8_t* data;
  size_t size;
  unsigned width;
  uint64_t mask;
} Packed;

// Takes the bytes of n integers of `width` bits.
static bool GetPacked(VigilReader* in, size_t n, unsigned width, Packed* packed) {
  if (width > 56) return false;
  packed->data = in->at;
  packed->size = (n * width + 7) / 8;
  packed->width = width;
  packed->mask = (UINT64_C(1) << width) - 1;
  if ((size_t)(in->end - in->at) < packed->size) return false;
  in->at += packed->size;
  return true;
}

static inline uint64_t LittleEndian(const uint8_t* at) {
  uint64_t word = 0;
  for (unsigned j = 0; j < 8; ++j) word |= (uint64_t)at[j] << (8 * j);
  return word;
}

static inline uint64_t Item(const Packed* packed, size_t i) {
  const size_t bit = i * packed->width;
  const size_t byte = bit / 8;
  uint64_t word = 0;
  if (byte + 8 <= packed->size) {
    word = LittleEndian(packed->data + byte);
  } else {
    for (unsigned j = 0; byte + j < packed->size; ++j) {
      word |= (uint64_t)packed->data[byte + j] << (8 * j);
    }
  }
  return word >> (bit % 8) & packed->mask;
}

// All of the first n integers.
static void Unpack(const Packed* packed, size_t n, uint64_t* out) {
  const unsigned width = packed->width;
  const uint64_t mask = packed->mask;
  const uint8_t* const data = packed->data;
  // As far as eight bytes can be read at once.
  size_t whole = 0;
  if (width == 0) {
    memset(out, 0, n * sizeof(*out));
    return;
  }
  if (packed->size >= 8) whole = ((packed->size - 8) * 8 + 7) / width + 1;
  if (whole > n) whole = n;
  for (size_t i = 0, bit = 0; i < whole; ++i, bit += width) {
    out[i] = LittleEndian(data + bit / 8) >> (bit % 8) & mask;
  }
  for (size_t i = whole; i < n; ++i) out[i] = Item(packed, i);
}

// Integers as digits: what lies above the packed ones.
typedef struct Digits {
  unsigned radix;  // 0: there are none
  uint64_t powers[9];
  Packed words;
} Digits;

static bool GetDigits(VigilReader* in, size_t n, unsigned radix, Digits* digits) {
  unsigned width = 0;
  digits->radix = radix;
  digits->powers[0] = 1;
  for (int i = 1; i <= 8; ++i) digits->powers[i] = digits->powers[i - 1] * radix;
  while (digits->powers[8] - 1 >= UINT64_C(1) << width) ++width;
  return GetPacked(in, (n + 7) / 8, width, &digits->words);
}

// Adds them to the first n integers, which have `low_bits` bits below.
static void AddDigits(const Digits* digits, size_t n, unsigned low_bits, uint64_t* out) {
  const uint32_t radix = digits->radix;
  for (size_t i = 0; i < n; i += 8) {
    uint64_t word = Item(&digits->words, i / 8);
    if (word >= digits->powers[8]) word = digits->powers[8] - 1;
    uint32_t halves[2] = {(uint32_t)(word / digits->powers[4]),
                          (uint32_t)(word % digits->powers[4])};
    for (size_t j = 8; j-- > 0; halves[j / 4] /= radix) {
      if (i + j < n) out[i + j] += (uint64_t)(halves[j / 4] % radix) << low_bits;
    }
  }
}

static const char* SkipSummary(VigilReader* in) {
  for (int i = 0; i < 5; ++i) {
    Number number;
    if (in->at < in->end && *in->at >= 0xf0) {
      if (*in->at > 0xf1) return kNumber;
      ++in->at;
    } else if (!GetNumber(in, &number)) {
      return kNumber;
    }
  }
  uint64_t resets;
  return GetVarint(in, &resets) ? NULL : kCut;
}

const char* VigilOpenChunk(const uint8_t* data, size_t size, VigilChunk* chunk) {
  if (size < 5) return kCut;
  VigilReader in = {data + 5, data + size};
  chunk->time_encoding = data[4] & 15;
  chunk->value_encoding = data[4] >> 4;
  uint64_t n, stale;
  if (!GetVarint(&in, &n) || !GetVarint(&in, &stale)) return kCut;
  if (n == 0 || n > VIGIL_MAX_SAMPLES) return "its number of samples is impossible";
  if (chunk->value_encoding != 0 && chunk->value_encoding != 5 && stale < n) {
    const char* error = SkipSummary(&in);
    if (error != NULL) return error;
  }
  chunk->n = (uint32_t)n;
  chunk->body = in;
  return NULL;
}

static const char* DecodeRuns(VigilReader* in, uint32_t n, uint64_t t, uint64_t delta,
                              int64_t* times) {
  uint32_t i = 2;
  while (i < n) {
    uint64_t run, x;
    if (!GetVarint(in, &run)) return kCut;
    if (run > n - i) return kLong;
    for (; run > 0; --run) times[i++] = (int64_t)(t += delta);
    if (i == n) break;
    if (!GetZigZag(in, &x)) return kCut;
    times[i++] = (int64_t)(t += delta += x);
  }
  return NULL;
}

static const char* DecodeTimes(VigilReader* in, unsigned encoding, uint32_t n, int64_t first,
                               int64_t* times) {
  uint64_t t = (uint64_t)first, delta, base;
  times[0] = first;
  if (n == 1) return NULL;
  if (!GetVarint(in, &delta)) return kCut;
  if (encoding == 0) {
    for (uint32_t i = 1; i < n; ++i) times[i] = (int64_t)(t += delta);
    return NULL;
  }
  times[1] = (int64_t)(t += delta);
  if (encoding == 1) return DecodeRuns(in, n, t, delta, times);
  if (encoding != 2) return "its time encoding is unknown";
  uint8_t width;
  Packed packed;
  if (!GetZigZag(in, &base) || !GetByte(in, &width)) return kCut;
  if (!GetPacked(in, n - 2, width, &packed)) return kCut;
  for (uint32_t i = 2; i < n; ++i) {
    delta += base + Item(&packed, i - 2);
    times[i] = (int64_t)(t += delta);
  }
  return NULL;
}

typedef struct Exceptions {
  VigilReader in;  // what is left of them
  uint64_t left;
  uint64_t position;  // of the next one, when left > 0
  Number number;      // the next one
} Exceptions;

// Reads the next one; positions count from the one before.
static bool NextException(Exceptions* e, uint64_t after) {
  uint64_t gap;
  if (e->left == 0) return true;
  if (!GetVarint(&e->in, &gap) || gap > VIGIL_MAX_SAMPLES) return false;
  e->position = after + gap;
  return GetNumber(&e->in, &e->number);
}

// Moves *in behind all of them and makes *e give them out.
static bool OpenExceptions(VigilReader* in, Exceptions* e) {
  if (!GetVarint(in, &e->left)) return false;
  e->in = *in;
  for (uint64_t i = 0; i < e->left; ++i) {
    uint64_t gap;
    Number number;
    if (!GetVarint(in, &gap) || !GetNumber(in, &number)) return false;
  }
  return NextException(e, 0);
}

static bool TakeException(Exceptions* e) {
  --e->left;
  return NextException(e, e->position + 1);
}

static const char* DecodeIntegers(VigilReader* in, bool is_delta, uint32_t n, uint64_t* bits) {
  uint8_t k, width;
  uint64_t m = 0, base;
  uint32_t i = 0;
  Exceptions e;
  Packed packed;
  if (!GetByte(in, &k)) return kCut;
  if (k > 6) return kNumber;
  if (is_delta) {
    if (!GetZigZag(in, &m)) return kCut;
    bits[i++] = DecimalBits(m, k);
  }
  if (!GetZigZag(in, &base) || !GetByte(in, &width) || !OpenExceptions(in, &e)) return kCut;
  if (!GetPacked(in, n - i, width, &packed)) return kCut;
  const double power = kPowers[k];
  const uint32_t skip = i;
  while (i < n) {
    uint32_t until = n;  // no exception before it
    if (e.left > 0) {
      if (e.position < i || e.position >= n) return "an exception is out of its place";
      until = (uint32_t)e.position;
    }
    if (is_delta) {
      for (; i < until; ++i) {
        m += base + Item(&packed, i - skip);
        bits[i] = BitsOf((double)(int64_t)m / power);
      }
    } else {
      for (; i < until; ++i) {
        bits[i] = BitsOf((double)(int64_t)(base + Item(&packed, i)) / power);
      }
    }
    if (i == n) break;
    bits[i++] = e.number.bits;
    if (e.number.decimal) m = e.number.integer;
    if (!TakeException(&e)) return kCut;
  }
  return e.left == 0 ? NULL : kLong;
}

static const char* DecodeXor(VigilReader* in, uint32_t n, uint64_t* bits) {
  uint64_t last, u;
  if (!GetInt(in, 8, &last)) return kCut;
  uint32_t i = 0;
  bits[i++] = last;
  while (i < n) {
    uint8_t c;
    if (!GetByte(in, &c)) return kCut;
    const unsigned l = c >> 4, s = c & 15;
    if (s == 0) {
      if (l + 1 > n - i) return kLong;
      for (unsigned j = 0; j <= l; ++j) bits[i++] = last;
      continue;
    }
    if (l + s > 8) return kNumber;
    if (!GetInt(in, s, &u)) return kCut;
    last ^= u << (8 * (8 - l - s));
    bits[i++] = last;
  }
  return NULL;
}

// Of encodings 6 and 7: positions with something special, in rising order.
typedef struct Places {
  VigilReader in;  // what is left of them
  uint64_t left;
  uint64_t position;  // of the next one, when left > 0
  uint64_t integer;   // the next one's varint,
  uint64_t bits;      // or its number as bits
} Places;

typedef enum PlaceKind { kVarints, kNumbers } PlaceKind;

static bool NextPlace(VigilReader* in, PlaceKind kind, uint64_t* position, Places* place) {
  uint64_t gap;
  if (!GetVarint(in, &gap) || gap > VIGIL_MAX_SAMPLES) return false;
  *position += gap;
  if (kind == kVarints) return GetVarint(in, &place->integer);
  if (in->at < in->end && *in->at == 0xf0) {
    ++in->at;
    place->bits = VIGIL_STALE_BITS;
    return true;
  }
  Number number;
  if (!GetNumber(in, &number)) return false;
  place->bits = number.bits;
  return true;
}

// Moves *in behind all of them and makes *places give them out. All positions are below n.
static bool OpenPlaces(VigilReader* in, PlaceKind kind, uint32_t n, Places* places) {
  Places ignored;
  uint64_t position = 0;
  if (!GetVarint(in, &places->left) || places->left > n) return false;
  places->in = *in;
  for (uint64_t i = 0; i < places->left; ++i, ++position) {
    if (!NextPlace(in, kind, &position, &ignored) || position >= n) return false;
  }
  places->position = 0;
  return places->left == 0 || NextPlace(&places->in, kind, &places->position, places);
}

// The one at position i was used.
static bool PassPlace(PlaceKind kind, Places* places) {
  ++places->position;
  return --places->left == 0 || NextPlace(&places->in, kind, &places->position, places);
}

typedef struct Block {
  unsigned mode;
  bool corrected;
  double divisor;
  uint64_t base;
  uint64_t slope;
  unsigned width;
  Places patches;
  Places specials;
  Packed packed;
  Digits digits;
  uint64_t fix_base;
  Packed fixes;
} Block;

static const char* OpenBlock(VigilReader* in, uint32_t count, Block* block) {
  uint64_t base;
  uint8_t h, width, radix = 0;
  if (!GetZigZag(in, &base)) return kCut;
  block->base += base;
  if (block->mode > 0 && !GetZigZag(in, &block->slope)) return kCut;
  if (!GetByte(in, &h)) return kCut;
  block->width = h & 0x3f;
  block->digits.radix = 0;
  if (block->width >= 57) {
    width = (uint8_t)(block->width - 57);
    if (!GetByte(in, &radix) || (width == 6 && !GetByte(in, &width))) return kCut;
    if (radix < 3 || radix > 127 || width > 48) return kNumber;
    block->width = width;
  }
  block->patches.left = 0;
  block->specials.left = 0;
  if ((h & 0x40) != 0 && !OpenPlaces(in, kVarints, count, &block->patches)) return kNumber;
  if ((h & 0x80) != 0 && !OpenPlaces(in, kNumbers, count, &block->specials)) return kNumber;
  if (block->mode == 1 && block->patches.left > 0 && block->patches.position == 0) return kNumber;
  const uint32_t items = block->mode == 1 ? count - 1 : count;
  if (!GetPacked(in, items, block->width, &block->packed)) return kCut;
  if (radix != 0 && !GetDigits(in, items, radix, &block->digits)) return kCut;
  if (!block->corrected) return NULL;
  if (!GetZigZag(in, &block->fix_base) || !GetByte(in, &width)) return kCut;
  return GetPacked(in, count, width, &block->fixes) ? NULL : kCut;
}

// From the packed integers in m to the block's integers.
static void SumBlock(const Block* block, uint32_t count, uint64_t* m) {
  const uint64_t base = block->base, slope = block->slope;
  uint64_t sum = base;
  switch (block->mode) {
    case 0:
      for (uint32_t i = 0; i < count; ++i) m[i] += base;
      return;
    case 1:
      m[0] = base;
      for (uint32_t i = 1; i < count; ++i) m[i] = sum += slope + m[i];
      return;
    default:
      for (uint32_t i = 0; i < count; ++i) {
        m[i] += base + (uint64_t)((int64_t)(i * slope) >> 16);
      }
  }
}

// Step by step over the whole block, each step a short loop over bits.
static const char* DecodeBlock(VigilReader* in, uint32_t count, Block* block, uint64_t* bits) {
  const char* error = OpenBlock(in, count, block);
  if (error != NULL) return error;
  const uint32_t first = block->mode == 1 ? 1 : 0;
  bits[0] = 0;
  Unpack(&block->packed, count - first, bits + first);
  if (block->digits.radix != 0) {
    AddDigits(&block->digits, count - first, block->width, bits + first);
  }
  while (block->patches.left > 0) {
    bits[block->patches.position] += UnZigZag(block->patches.integer) << block->width;
    if (!PassPlace(kVarints, &block->patches)) return kNumber;
  }
  SumBlock(block, count, bits);
  const double divisor = block->divisor;
  for (uint32_t i = 0; i < count; ++i) bits[i] = BitsOf((double)(int64_t)bits[i] / divisor);
  if (block->corrected) {
    for (uint32_t i = 0; i < count; ++i) bits[i] += block->fix_base + Item(&block->fixes, i);
  }
  while (block->specials.left > 0) {
    bits[block->specials.position] = block->specials.bits;
    if (!PassPlace(kNumbers, &block->specials)) return kNumber;
  }
  return NULL;
}

static const char* DecodeBlocks(VigilReader* in, uint32_t n, uint64_t* bits) {
  uint8_t flags;
  Number divisor;
  uint64_t length;
  Block block;
  memset(&block, 0, sizeof(block));
  if (!GetByte(in, &flags) || !GetNumber(in, &divisor) || !GetVarint(in, &length)) return kCut;
  block.mode = flags & 3;
  block.corrected = (flags & 4) != 0;
  memcpy(&block.divisor, &divisor.bits, sizeof(block.divisor));
  if (flags > 7 || block.mode == 3 || length == 0) return kNumber;
  if (!(block.divisor > 0 && block.divisor < HUGE_VAL)) return kNumber;
  for (uint32_t i = 0; i < n;) {
    const uint32_t count = length < n - i ? (uint32_t)length : n - i;
    const char* error = DecodeBlock(in, count, &block, bits + i);
    if (error != NULL) return error;
    i += count;
  }
  return NULL;
}

static const char* DecodeSplit(VigilReader* in, uint32_t n, uint64_t* bits) {
  uint8_t low_bits;
  uint64_t list_size;
  uint64_t list[16] = {0};  // an index behind its end is of no encoder's, and 0 to all decoders
  unsigned index_bits = 0;
  Places others;
  Packed indexes, lows;
  if (!GetByte(in, &low_bits) || !GetVarint(in, &list_size)) return kCut;
  if (low_bits < 1 || low_bits > 56 || list_size < 1 || list_size > 16) return kNumber;
  for (uint64_t i = 0; i < list_size; ++i) {
    if (!GetVarint(in, &list[i])) return kCut;
  }
  while (list_size - 1 >= UINT64_C(1) << index_bits) ++index_bits;
  if (!OpenPlaces(in, kVarints, n, &others)) return kNumber;
  if (!GetPacked(in, n, index_bits, &indexes) || !GetPacked(in, n, low_bits, &lows)) return kCut;
  for (uint32_t i = 0; i < n; ++i) {
    uint64_t high = list[Item(&indexes, i)];
    if (others.left > 0 && others.position == i) {
      high = others.integer;
      if (!PassPlace(kVarints, &others)) return kNumber;
    }
    bits[i] = high << low_bits | Item(&lows, i);
  }
  return NULL;
}

static const char* DecodeValues(VigilReader* in, unsigned encoding, uint32_t n, uint64_t* bits) {
  Number number;
  switch (encoding) {
    case 0:
      if (!GetNumber(in, &number)) return kNumber;
      for (uint32_t i = 0; i < n; ++i) bits[i] = number.bits;
      return NULL;
    case 1:
    case 2:
      return DecodeIntegers(in, encoding == 2, n, bits);
    case 3:
      return DecodeXor(in, n, bits);
    case 4:
      for (uint32_t i = 0; i < n;) {
        uint64_t run;
        if (!GetVarint(in, &run) || !GetNumber(in, &number)) return kCut;
        if (run == 0 || run > n - i) return kLong;
        for (; run > 0; --run) bits[i++] = number.bits;
      }
      return NULL;
    case 6:
      return DecodeBlocks(in, n, bits);
    case 7:
      return DecodeSplit(in, n, bits);
    default:
      return "its value encoding is unknown";
  }
}

const char* VigilDecodeChunk(const VigilChunk* chunk, int64_t min_time, int64_t* times,
                             uint64_t* bits) {
  VigilReader in = chunk->body;
  const char* error = DecodeTimes(&in, chunk->time_encoding, chunk->n, min_time, times);
  if (error == NULL) error = DecodeValues(&in, chunk->value_encoding, chunk->n, bits);
  if (error == NULL && in.at != in.end) error = kLong;
  return error;
}

// The first index whose series is not below id.
static size_t LowerBound(const int64_t* wanted, size_t count, int64_t id) {
  size_t low = 0;
  while (low < count) {
    const size_t middle = low + (count - low) / 2;
    if (wanted[middle] < id) {
      low = middle + 1;
    } else {
      count = middle;
    }
  }
  return low;
}

// A run of series or times: its length and the first item.
static const char* GetRun(VigilReader* in, uint32_t left, uint32_t* length, uint64_t* delta) {
  uint64_t n;
  if (!GetVarint(in, &n) || !GetZigZag(in, delta)) return kCut;
  if (n == 0 || n > left) return kLong;
  *length = (uint32_t)n;
  return NULL;
}

// Positions and ids of the wanted samples.
static const char* FindSeries(VigilReader* in, uint32_t n, const int64_t* wanted,
                              size_t wanted_count, VigilPageSample* out, size_t room,
                              size_t* count) {
  uint64_t id = 0;
  *count = 0;
  for (uint32_t covered = 0; covered < n;) {
    uint32_t run;
    uint64_t delta;
    const char* error = GetRun(in, n - covered, &run, &delta);
    if (error != NULL) return error;
    id += delta;
    const int64_t first = (int64_t)id;
    for (size_t k = LowerBound(wanted, wanted_count, first);
         k < wanted_count && (uint64_t)wanted[k] - id < run; ++k) {
      if (*count < room) {
        out[*count].position = covered + (uint32_t)((uint64_t)wanted[k] - id);
        out[*count].series = wanted[k];
      }
      ++*count;
    }
    id += run - 1;
    covered += run;
  }
  return NULL;
}

static const char* FindTimes(VigilReader* in, uint32_t n, VigilPageSample* out, size_t count) {
  uint64_t time = 0;
  size_t next = 0;
  for (uint32_t covered = 0; covered < n;) {
    uint32_t run;
    uint64_t delta;
    const char* error = GetRun(in, n - covered, &run, &delta);
    if (error != NULL) return error;
    time += delta;
    covered += run;
    for (; next < count && out[next].position < covered; ++next) out[next].time = (int64_t)time;
  }
  return NULL;
}

static const char* FindValues(VigilReader* in, uint32_t n, VigilPageSample* out, size_t count) {
  Number number = {0, false, 0};
  size_t next = 0;
  for (uint32_t known = 0; known < n && next < count;) {
    if (in->at == in->end) return kCut;
    if (*in->at >> 4 == 9) {
      const uint32_t repeats = (uint32_t)(*in->at++ & 15) + 1;
      if (known == 0 || repeats > n - known) return kLong;
      known += repeats;
    } else {
      if (!GetNumber(in, &number)) return kNumber;
      ++known;
    }
    for (; next < count && out[next].position < known; ++next) out[next].bits = number.bits;
  }
  return NULL;
}

const char* VigilDecodePage(const uint8_t* data, size_t size, const int64_t* wanted,
                            size_t wanted_count, VigilPageSample* out, size_t room, size_t* count) {
  *count = 0;
  if (size < 6) return kCut;
  if (data[0] != 1) return "its format is unknown";
  VigilReader in = {data + 5, data + size};
  uint64_t n;
  if (!GetVarint(&in, &n)) return kCut;
  if (n == 0 || n > VIGIL_MAX_SAMPLES) return "its number of samples is impossible";
  const char* error = FindSeries(&in, (uint32_t)n, wanted, wanted_count, out, room, count);
  if (error != NULL || *count == 0 || *count > room) return error;
  error = FindTimes(&in, (uint32_t)n, out, *count);
  return error != NULL ? error : FindValues(&in, (uint32_t)n, out, *count);
}
