// tests/bench/integer.c - integer work in the proportions of embedded code: lists, small matrices, a state machine,
// CRC.
#include <stdlib.h>

#include "tests/bench/bench.h"

// Lists: find, reverse and merge sort.

struct Node {
  struct Node* next;
  int16_t key, data;
};
enum { kNodes = 400 };

static struct Node* make_list(struct Node* nodes, uint64_t* seed) {
  for (int i = 0; i < kNodes; ++i) {
    nodes[i].next = i + 1 < kNodes ? &nodes[i + 1] : NULL;
    nodes[i].key = (int16_t)next_random(seed);
    nodes[i].data = (int16_t)i;
  }
  return nodes;
}

static struct Node* reverse(struct Node* list) {
  struct Node* out = NULL;
  while (list) {
    struct Node* next = list->next;
    list->next = out;
    out = list;
    list = next;
  }
  return out;
}

static struct Node* find(struct Node* list, int16_t data) {
  while (list && list->data != data) list = list->next;
  return list;
}

static struct Node* merge(struct Node* a, struct Node* b, int by_key) {
  struct Node head, *tail = &head;
  while (a && b) {
    const int first = by_key ? a->key <= b->key : a->data <= b->data;
    struct Node** from = first ? &a : &b;
    tail->next = *from;
    tail = *from;
    *from = (*from)->next;
  }
  tail->next = a ? a : b;
  return head.next;
}

static struct Node* sort(struct Node* list, int n, int by_key) {
  if (n < 2) {
    if (list) list->next = NULL;
    return list;
  }
  struct Node* second = list;
  for (int i = 0; i < n / 2; ++i) second = second->next;
  struct Node* const upper = sort(second, n - n / 2, by_key);
  return merge(sort(list, n / 2, by_key), upper, by_key);
}

static uint64_t list_work(struct Node* nodes, int rounds, uint64_t* seed) {
  struct Node* list = make_list(nodes, seed);
  uint64_t sum = 0;
  for (int i = 0; i < rounds; ++i) {
    for (int k = 0; k < 30; ++k) {
      const struct Node* found = find(list, (int16_t)((i * 31 + k * 17) % kNodes));
      if (found) sum += (uint64_t)found->key & 0xff;
      list = reverse(list);
    }
    if (i % 4 == 0) {
      list = sort(list, kNodes, i % 8 == 0);
      sum = sum * 31 + (uint16_t)list->key;
    }
  }
  return sum;
}

uint64_t bench_list(void) {
  static struct Node nodes[kNodes];
  uint64_t seed = 1;
  return list_work(nodes, 20000, &seed);
}

// Matrices of 16-bit numbers: products, sums and bit fields of products.

enum { kSide = 48 };

static uint64_t matrix_work(int16_t* a, int16_t* b, int32_t* c, int rounds) {
  uint64_t sum = 0;
  for (int r = 0; r < rounds; ++r) {
    for (int i = 0; i < kSide; ++i) {
      for (int j = 0; j < kSide; ++j) {
        int32_t dot = 0;
        for (int k = 0; k < kSide; ++k) {
          const int32_t product = a[i * kSide + k] * b[k * kSide + j];
          dot += r % 2 ? product : (product >> 2 & 0xf) * (product >> 5 & 0x7f);
        }
        c[i * kSide + j] = dot;
        sum += (uint32_t)dot;
      }
    }
    for (int i = 0; i < kSide * kSide; ++i) a[i] = (int16_t)(a[i] + r);
  }
  return sum;
}

static void fill(int16_t* m, uint64_t* seed) {
  for (int i = 0; i < kSide * kSide; ++i) m[i] = (int16_t)(next_random(seed) & 0x3ff);
}

uint64_t bench_matrix(void) {
  static int16_t a[kSide * kSide], b[kSide * kSide];
  static int32_t c[kSide * kSide];
  uint64_t seed = 2;
  fill(a, &seed);
  fill(b, &seed);
  return matrix_work(a, b, c, 4000);
}

// A state machine that classifies numbers in a text.

enum State { kStart, kSign, kInt, kPoint, kFraction, kExponent, kExponentSign, kExponentDigits, kInvalid, kStates };

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static enum State step(enum State s, char c) {
  switch (s) {
    case kStart:
      if (is_digit(c)) return kInt;
      if (c == '+' || c == '-') return kSign;
      return c == '.' ? kPoint : kInvalid;
    case kSign:
      if (is_digit(c)) return kInt;
      return c == '.' ? kPoint : kInvalid;
    case kInt:
      if (is_digit(c)) return kInt;
      return c == '.' ? kFraction : c == 'e' ? kExponent : kInvalid;
    case kPoint: return is_digit(c) ? kFraction : kInvalid;
    case kFraction:
      if (is_digit(c)) return kFraction;
      return c == 'e' ? kExponent : kInvalid;
    case kExponent:
      if (is_digit(c)) return kExponentDigits;
      return c == '+' || c == '-' ? kExponentSign : kInvalid;
    case kExponentSign:
    case kExponentDigits: return is_digit(c) ? kExponentDigits : kInvalid;
    default: return kInvalid;
  }
}

enum { kText = 4096 };

static void make_text(char* text, uint64_t* seed) {
  static const char kLetters[] = "0123456789012345678901234567.,+-e,,x";
  for (int i = 0; i < kText; ++i) text[i] = kLetters[next_random(seed) % (sizeof kLetters - 1)];
}

static uint64_t state_work(char* text, int rounds) {
  uint32_t visits[kStates] = {0}, finals[kStates] = {0};
  for (int r = 0; r < rounds; ++r) {
    enum State s = kStart;
    for (int i = 0; i < kText; ++i) {
      if (text[i] == ',') {
        ++finals[s];
        s = kStart;
      } else if (s != kInvalid) {
        s = step(s, text[i]);
        ++visits[s];
      }
    }
    text[(r * 37) % kText] ^= 1;
  }
  uint64_t sum = 0;
  for (int i = 0; i < kStates; ++i) sum = sum * 31 + visits[i] + ((uint64_t)finals[i] << 32);
  return sum;
}

uint64_t bench_state(void) {
  static char text[kText];
  uint64_t seed = 3;
  make_text(text, &seed);
  return state_work(text, 30000);
}

// CRC-16 bit by bit.

static uint16_t crc_byte(uint16_t crc, uint8_t data) {
  for (int i = 0; i < 8; ++i) {
    const int carry = (crc ^ data) & 1;
    crc >>= 1;
    data >>= 1;
    if (carry) crc ^= 0xa001;
  }
  return crc;
}

static uint64_t crc_work(const uint8_t* data, int n, int rounds) {
  uint16_t crc = 0;
  for (int r = 0; r < rounds; ++r)
    for (int i = 0; i < n; ++i) crc = crc_byte(crc, data[i]);
  return crc;
}

uint64_t bench_crc(void) {
  static char text[kText];
  uint64_t seed = 4;
  make_text(text, &seed);
  return crc_work((const uint8_t*)text, kText, 6000);
}

/// All four in turn, as an embedded benchmark mixes them.
uint64_t bench_mix(void) {
  static struct Node nodes[kNodes];
  static int16_t a[kSide * kSide], b[kSide * kSide];
  static int32_t c[kSide * kSide];
  static char text[kText];
  uint64_t seed = 5, sum = 0;
  fill(a, &seed);
  fill(b, &seed);
  make_text(text, &seed);
  for (int i = 0; i < 800; ++i) {
    sum = sum * 31 + list_work(nodes, 8, &seed);
    sum = sum * 31 + matrix_work(a, b, c, 1);
    sum = sum * 31 + state_work(text, 8);
    sum = sum * 31 + crc_work((const uint8_t*)text, kText, 1);
  }
  return sum;
}
