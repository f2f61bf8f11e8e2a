// tests/unit/simd/crypto_test.cpp - published vectors of AES, SHA and GHASH, computed by sequences of instructions.
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "core/isa/simd/aes.h"
#include "core/isa/simd/poly.h"
#include "tests/unit/catch.h"
#include "tests/unit/simd/sha_constants.h"
#include "tests/unit/simd/simd_exec.h"

using namespace farside;
using namespace farside::isa::simd;
using namespace farside::isa::simd::test;

namespace {

/// Runs instructions by name on one register file.
struct Program {
  TestExec x;
  void operator()(std::string_view name, std::initializer_list<u32> fields) {
    const u32 word = encode(name, fields);
    REQUIRE(find_form(word) == &form_named(name));
    REQUIRE(form_named(name).run(x, word) == isa::Flow::Next);
  }
  Vec& v(unsigned n) { return x.s.v[n]; }
};

Vec load(const void* sixteen_bytes) {
  Vec out;
  std::memcpy(static_cast<void*>(&out), sixteen_bytes, 16);
  return out;
}
Vec from_hex(std::string_view text) {
  Vec out;
  for (unsigned i = 0; i < 16; ++i)
    out.set_lane<u8>(i, static_cast<u8>(std::stoi(std::string(text.substr(2 * i, 2)), nullptr, 16)));
  return out;
}

/// AES-128 round keys by FIPS 197 section 5.2; SubWord is AESE with a zero key on four equal columns.
std::array<Vec, 11> expand_key(Vec key) {
  std::array<Vec, 11> keys{key};
  u8 round_constant = 1;
  for (unsigned i = 1; i < 11; ++i) {
    u32 word[4];
    std::memcpy(word, &keys[i - 1], 16);
    const u64 last = u64{word[3]} << 32 | word[3];
    const u32 substituted = aes_encrypt(Vec{last, last}, Vec{}).lane<u32>(0);
    word[0] ^= std::rotr(substituted, 8) ^ round_constant;
    for (unsigned k = 1; k < 4; ++k) word[k] ^= word[k - 1];
    keys[i] = load(word);
    round_constant = static_cast<u8>(round_constant << 1 ^ (round_constant >> 7) * 0x1b);
  }
  return keys;
}

/// The message padded as FIPS 180-4 section 5.1 says, in words of T as registers hold them.
template <class T>
std::vector<T> padded(std::string_view message) {
  std::string bytes(message);
  bytes += '\x80';
  const usize block = sizeof(T) * 16;
  while (bytes.size() % block > block - 2 * sizeof(T) || bytes.size() % block == 0) bytes += '\0';
  while (bytes.size() % block != block - 8) bytes += '\0';  // the length takes two words, but fits in one u64
  for (int i = 7; i >= 0; --i) bytes += static_cast<char>(message.size() * 8 >> (8 * i));
  std::vector<T> words(bytes.size() / sizeof(T));
  for (usize i = 0; i < bytes.size(); ++i)
    words[i / sizeof(T)] = static_cast<T>(words[i / sizeof(T)] << 8 | static_cast<u8>(bytes[i]));
  return words;
}

Vec words(u32 a, u32 b, u32 c, u32 d) { return {u64{b} << 32 | a, u64{d} << 32 | c}; }

constexpr u32 kAbcd = 0, kE = 1, kConstant = 3, kSum = 4, kSaved = 5, kTemp = 6, kW = 16;

std::array<u32, 5> sha1(std::string_view message) {
  Program run;
  run.v(kAbcd) = words(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  run.v(kE) = words(0xc3d2e1f0, 0, 0, 0);
  const auto text = padded<u32>(message);
  static constexpr u32 kK[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  static constexpr const char* kRound[] = {"SHA1C", "SHA1P", "SHA1M", "SHA1P"};
  for (usize block = 0; block < text.size(); block += 16) {
    for (u32 i = 0; i < 4; ++i) run.v(kW + i) = load(&text[block + 4 * i]);
    const Vec saved = run.v(kAbcd), saved_e = run.v(kE);
    for (u32 step = 0; step < 20; ++step) {
      const u32 w0 = kW + step % 4, w1 = kW + (step + 1) % 4, w2 = kW + (step + 2) % 4, w3 = kW + (step + 3) % 4;
      const u32 k = kK[step / 5];
      run.v(kConstant) = words(k, k, k, k);
      run("ADD_vec", {1, 2, kConstant, w0, kSum});
      run("SHA1H", {kAbcd, kTemp});
      run(kRound[step / 5], {kSum, kE, kAbcd});
      run("ORR_reg", {1, kTemp, kTemp, kE});
      run("SHA1SU0", {w2, w1, w0});
      run("SHA1SU1", {w3, w0});
    }
    run.v(kSaved) = saved;
    run("ADD_vec", {1, 2, kSaved, kAbcd, kAbcd});
    run.v(kSaved) = saved_e;
    run("ADD_vec", {1, 2, kSaved, kE, kE});
  }
  const Vec a = run.v(kAbcd);
  return {a.lane<u32>(0), a.lane<u32>(1), a.lane<u32>(2), a.lane<u32>(3), run.v(kE).lane<u32>(0)};
}

std::array<u32, 8> sha256(std::string_view message) {
  Program run;
  constexpr u32 kEfgh = 1, kSavedEfgh = 7;
  run.v(kAbcd) = words(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a);
  run.v(kEfgh) = words(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
  const auto text = padded<u32>(message);
  for (usize block = 0; block < text.size(); block += 16) {
    for (u32 i = 0; i < 4; ++i) run.v(kW + i) = load(&text[block + 4 * i]);
    run.v(kSaved) = run.v(kAbcd), run.v(kSavedEfgh) = run.v(kEfgh);
    for (u32 step = 0; step < 16; ++step) {
      const u32 w0 = kW + step % 4, w1 = kW + (step + 1) % 4, w2 = kW + (step + 2) % 4, w3 = kW + (step + 3) % 4;
      run.v(kConstant) = load(&kSha256[4 * step]);
      run("ADD_vec", {1, 2, kConstant, w0, kSum});
      run("ORR_reg", {1, kAbcd, kAbcd, kTemp});
      run("SHA256H", {kSum, kEfgh, kAbcd});
      run("SHA256H2", {kSum, kTemp, kEfgh});
      run("SHA256SU0", {w1, w0});
      run("SHA256SU1", {w3, w2, w0});
    }
    run("ADD_vec", {1, 2, kSaved, kAbcd, kAbcd});
    run("ADD_vec", {1, 2, kSavedEfgh, kEfgh, kEfgh});
  }
  std::array<u32, 8> out;
  std::memcpy(out.data(), &run.v(kAbcd), 16);
  std::memcpy(out.data() + 4, &run.v(kEfgh), 16);
  return out;
}

/// State in four registers: ab, cd, ef, gh, each {low = first of the pair}. Two rounds per step.
std::array<u64, 8> sha512(std::string_view message) {
  Program run;
  const u64 initial[] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                         0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
  for (u32 i = 0; i < 4; ++i) run.v(i) = load(&initial[2 * i]);
  const auto text = padded<u64>(message);
  constexpr u32 kFg = 8, kDe = 9, kIntermediate = 10, kKeep = 11;
  for (usize block = 0; block < text.size(); block += 16) {
    for (u32 i = 0; i < 8; ++i) run.v(kW + i) = load(&text[block + 2 * i]);
    for (u32 i = 0; i < 4; ++i) run.v(kKeep + i) = run.v(i);
    u32 ab = 0, cd = 1, ef = 2, gh = 3;
    for (u32 step = 0; step < 40; ++step) {
      const auto w = [&](u32 ahead) { return kW + (step + ahead) % 8; };
      run.v(4) = load(&kSha512[2 * step]);
      run("ADD_vec", {1, 3, 4, w(0), 5});  // W + K of two rounds
      run("EXT", {1, 5, 8, 5, 5});         // the later round below
      run("EXT", {1, gh, 8, ef, kFg});     // f g
      run("EXT", {1, ef, 8, cd, kDe});     // d e
      run("ADD_vec", {1, 3, 5, gh, gh});
      run("SHA512H", {kDe, kFg, gh});
      run("ADD_vec", {1, 3, gh, cd, kIntermediate});
      run("SHA512H2", {ab, cd, gh});
      run("SHA512SU0", {w(1), w(0)});
      run("EXT", {1, w(5), 8, w(4), 6});
      run("SHA512SU1", {6, w(7), w(0)});
      // gh has become the new ab, the sum the new ef.
      std::swap(run.v(cd), run.v(kIntermediate));
      const u32 new_ab = gh, new_cd = ab, new_ef = cd, new_gh = ef;
      ab = new_ab, cd = new_cd, ef = new_ef, gh = new_gh;
    }
    for (u32 i = 0; i < 4; ++i) run("ADD_vec", {1, 3, kKeep + i, i, i});
  }
  std::array<u64, 8> out;
  for (u32 i = 0; i < 4; ++i) std::memcpy(&out[2 * i], &run.v(i), 16);
  return out;
}

/// Keccak-f[1600] (FIPS 202 section 3.3), one lane per register, V0 to V24 being lane x + 5y.
void keccak(Program& run) {
  u8 lfsr = 1;  // rc(t): x^8 + x^6 + x^5 + x^4 + 1
  for (u32 round = 0; round < 24; ++round) {
    for (u32 x = 0; x < 5; ++x) {  // theta: the columns' parities in V25 to V29
      run("EOR3", {x + 5, x + 10, x, 25 + x});
      run("EOR3", {x + 15, x + 20, 25 + x, 25 + x});
    }
    std::array<Vec, 25> moved;
    for (u32 x = 0; x < 5; ++x) {
      run("RAX1", {25 + (x + 1) % 5, 25 + (x + 4) % 5, 30});
      for (u32 y = 0; y < 5; ++y) {
        // rho's offset of lane (x, y): the triangular number of its place on the walk of step 2 of Algorithm 2.
        u32 offset = 0, at_x = 1, at_y = 0;
        for (u32 t = 0; t < 24; ++t) {
          if (at_x == x && at_y == y) offset = (t + 1) * (t + 2) / 2 % 64;
          const u32 next_y = (2 * at_x + 3 * at_y) % 5;
          at_x = at_y, at_y = next_y;
        }
        run("XAR", {30, (64 - offset) % 64, x + 5 * y, 31});
        moved[y + 5 * ((2 * x + 3 * y) % 5)] = run.v(31);  // pi
      }
    }
    for (u32 i = 0; i < 25; ++i) run.v(i) = moved[i];
    for (u32 y = 0; y < 5; ++y) {  // chi
      for (u32 x = 0; x < 5; ++x) run("BCAX", {5 * y + (x + 2) % 5, 5 * y + (x + 1) % 5, 5 * y + x, 25 + x});
      for (u32 x = 0; x < 5; ++x) run.v(5 * y + x) = run.v(25 + x);
    }
    for (u32 j = 0; j < 7; ++j) {  // iota
      if (lfsr & 1) run.v(0).lo ^= u64{1} << ((1u << j) - 1);
      lfsr = static_cast<u8>(lfsr << 1 ^ (lfsr & 0x80 ? 0x71 : 0));
    }
  }
}

}  // namespace

// FIPS 197 appendix C.1.
TEST_CASE("AES-128 enciphers and deciphers the standard's example") {
  const auto keys = expand_key(from_hex("000102030405060708090a0b0c0d0e0f"));
  const Vec plain = from_hex("00112233445566778899aabbccddeeff"), cipher = from_hex("69c4e0d86a7b0430d8cdb78070b4c55a");
  Program run;
  for (u32 i = 0; i < 11; ++i) run.v(kW + i) = keys[i];
  run.v(0) = plain;
  for (u32 i = 0; i < 10; ++i) {
    run("AESE", {kW + i, 0});
    if (i != 9) run("AESMC", {0, 0});
  }
  run("EOR_vec", {1, kW + 10, 0, 0});
  CHECK(run.v(0) == cipher);
  // The equivalent inverse cipher: keys in reverse, the inner ones through InvMixColumns.
  for (u32 i = 1; i < 10; ++i) run("AESIMC", {kW + i, kW + i});
  for (u32 i = 10; i > 0; --i) {
    run("AESD", {kW + i, 0});
    if (i != 1) run("AESIMC", {0, 0});
  }
  run("EOR_vec", {1, kW, 0, 0});
  CHECK(run.v(0) == plain);
}

constexpr std::string_view kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr std::string_view kTwoLongBlocks =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

TEST_CASE("SHA-1 of one and two blocks") {
  CHECK(sha1("abc") == std::array<u32, 5>{0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d});
  CHECK(sha1(kTwoBlocks) == std::array<u32, 5>{0x84983e44, 0x1c3bd26e, 0xbaae4aa1, 0xf95129e5, 0xe54670f1});
}
TEST_CASE("SHA-256 of one and two blocks") {
  CHECK(sha256("abc") == std::array<u32, 8>{0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c,
                                            0xb410ff61, 0xf20015ad});
  CHECK(sha256(kTwoBlocks) == std::array<u32, 8>{0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459, 0x64ff2167,
                                                 0xf6ecedd4, 0x19db06c1});
}
TEST_CASE("SHA-512 of one and two blocks") {
  CHECK(sha512("abc") == std::array<u64, 8>{0xddaf35a193617aba, 0xcc417349ae204131, 0x12e6fa4e89a97ea2,
                                            0x0a9eeee64b55d39a, 0x2192992a274fc1a8, 0x36ba3c23a3feebbd,
                                            0x454d4423643ce80e, 0x2a9ac94fa54ca49f});
  CHECK(sha512(kTwoLongBlocks) == std::array<u64, 8>{0x8e959b75dae313da, 0x8cf4f72814fc143f, 0x8f7779c6eb9f7fa1,
                                                     0x7299aeadb6889018, 0x501d289e4900f7e4, 0x331b99dec4b5433a,
                                                     0xc7d329eeb6dd2654, 0x5e96e55b874be909});
}
TEST_CASE("SHA3-256 of the empty message") {
  Program run;
  run.v(0).lo = 0x06;           // the suffix 01 and the first bit of padding
  run.v(16).lo = u64{1} << 63;  // the last bit of a rate of 17 lanes
  keccak(run);
  const u64 digest[] = {run.v(0).lo, run.v(1).lo, run.v(2).lo, run.v(3).lo};
  const Vec first = from_hex("a7ffc6f8bf1ed76651c14756a061d662"), second = from_hex("f580ff4de43b49fa82d80a4b80f8434a");
  CHECK(Vec{digest[0], digest[1]} == first);
  CHECK(Vec{digest[2], digest[3]} == second);
}

// GCM test case 2 of McGrew and Viega: one block of ciphertext, then the lengths block.
TEST_CASE("GHASH by PMULL and PMULL2") {
  const Vec h = from_hex("66e94bd4ef8a2c3b884cfa59ca342b2e");
  const Vec blocks[] = {from_hex("0388dace60b6a392f328c2b971b2fe78"), from_hex("00000000000000000000000000000080")};
  Program run;
  Vec y{};
  for (const Vec& block : blocks) {
    // RBIT within bytes turns GCM's bit order into polynomials with little-endian coefficients.
    run.v(0) = {y.lo ^ block.lo, y.hi ^ block.hi};
    run.v(1) = h;
    run("RBIT_vec", {1, 0, 0});
    run("RBIT_vec", {1, 1, 1});
    run("EXT", {1, 1, 8, 1, 2});    // h's halves exchanged
    run("PMULL_64", {0, 1, 0, 3});  // low x low
    run("PMULL_64", {1, 1, 0, 4});  // high x high
    run("PMULL_64", {0, 2, 0, 5});  // the cross products
    run("PMULL_64", {1, 2, 0, 6});
    run("EOR_vec", {1, 5, 6, 5});
    // 256 bits modulo x^128 + x^7 + x^2 + x + 1: fold the top quarter, then the next.
    u64 q[4] = {run.v(3).lo, run.v(3).hi ^ run.v(5).lo, run.v(4).lo ^ run.v(5).hi, run.v(4).hi};
    for (int i = 3; i >= 2; --i) {
      run.v(7) = {q[i], 0};
      run.v(8) = {0x87, 0};
      run("PMULL_64", {0, 8, 7, 7});
      q[i - 2] ^= run.v(7).lo, q[i - 1] ^= run.v(7).hi;
    }
    run.v(0) = {q[0], q[1]};
    run("RBIT_vec", {1, 0, 0});
    y = run.v(0);
  }
  CHECK(y == from_hex("f38cbb1ad69223dcc3457ae5b6b0f885"));
}

TEST_CASE("the host's AES and polynomial instructions equal the portable code") {
  u64 seed = 1;
  const auto next = [&seed] { return seed = seed * 6364136223846793005 + 1442695040888963407, seed ^ seed >> 29; };
  for (int i = 0; i < 2000; ++i) {
    const Vec a{next(), next()}, b{next(), next()};
    REQUIRE(aes_encrypt(a, b) == portable::aes_encrypt(a, b));
    REQUIRE(aes_decrypt(a, b) == portable::aes_decrypt(a, b));
    REQUIRE(aes_mix_columns(a) == portable::aes_mix_columns(a));
    REQUIRE(aes_inverse_mix_columns(a) == portable::aes_inverse_mix_columns(a));
    REQUIRE(poly_mul_64(a, b) == portable::poly_mul_64(a, b));
  }
}
