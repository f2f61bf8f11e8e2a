// tests/unit/arch/mem_attr_test.cpp - attribute decoding and combination, exhaustively against the Arm ARM's tables.
#include "core/arch/mem_attr.h"

#include "tests/unit/catch.h"

using namespace farside;

namespace {

/// An independent reading of one MAIR nibble.
struct Nibble {
  u8 code;
  Cacheability policy;
  bool ra, wa, transient;
};
constexpr Cacheability kNc = Cacheability::NonCacheable, kWt = Cacheability::WriteThrough,
                       kWb = Cacheability::WriteBack;
constexpr Nibble kNibbles[] = {
    {0x1, kWt, false, true, true},   {0x2, kWt, true, false, true},   {0x3, kWt, true, true, true},
    {0x4, kNc, false, false, false}, {0x5, kWb, false, true, true},   {0x6, kWb, true, false, true},
    {0x7, kWb, true, true, true},    {0x8, kWt, false, false, false}, {0x9, kWt, false, true, false},
    {0xa, kWt, true, false, false},  {0xb, kWt, true, true, false},   {0xc, kWb, false, false, false},
    {0xd, kWb, false, true, false},  {0xe, kWb, true, false, false},  {0xf, kWb, true, true, false},
};

CacheAttr attr_of(const Nibble& n) { return {n.policy, n.ra, n.wa, n.transient}; }

/// Every attribute that a MAIR byte and SH can name.
std::vector<MemAttr> all_attributes() {
  std::vector<MemAttr> out;
  for (unsigned type = 0; type < 4; ++type) out.push_back(device_attr(static_cast<MemType>(type)));
  for (const Nibble& o : kNibbles) {
    for (const Nibble& i : kNibbles) {
      for (u8 sh : {0, 2, 3}) out.push_back(decode_mair(static_cast<u8>(o.code << 4 | i.code), sh));
    }
  }
  return out;
}

unsigned strength(Shareability sh) { return sh == Shareability::Outer ? 2 : sh == Shareability::Inner ? 1 : 0; }

}  // namespace

TEST_CASE("MAIR bytes decode as the manual's table and encode back") {
  for (unsigned dd = 0; dd < 4; ++dd) {
    for (u8 sh = 0; sh < 4; ++sh) {
      const MemAttr got = decode_mair(static_cast<u8>(dd << 2), sh);
      CHECK(got == device_attr(static_cast<MemType>(dd)));
      CHECK(got.shareability == Shareability::Outer);
      CHECK(encode_mair(got) == dd << 2);
    }
  }
  for (const Nibble& o : kNibbles) {
    for (const Nibble& i : kNibbles) {
      for (u8 sh : {0, 2, 3}) {
        const u8 byte = static_cast<u8>(o.code << 4 | i.code);
        CAPTURE(unsigned{byte}, unsigned{sh});
        const MemAttr got = decode_mair(byte, sh);
        CHECK(got.type == MemType::Normal);
        CHECK(got.inner == attr_of(i));
        CHECK(got.outer == attr_of(o));
        const bool nc = o.policy == kNc && i.policy == kNc;
        CHECK(got.shareability == (nc ? Shareability::Outer : static_cast<Shareability>(sh)));
        CHECK(encode_mair(got) == byte);
      }
    }
  }
}

TEST_CASE("well-known bytes") {
  CHECK(decode_mair(0xff, 3).is_write_back());
  CHECK(decode_mair(0x44, 0).is_non_cacheable());
  CHECK(decode_mair(0x44, 0).shareability == Shareability::Outer);
  CHECK(decode_mair(0xbb, 3).inner == CacheAttr{kWt, true, true, false});
  CHECK(decode_mair(0x04, 3).type == MemType::Device_nGnRE);
}

TEST_CASE("walk attributes: IRGN, ORGN, SH") {
  CHECK(decode_rgn(0) == kNonCacheable);
  CHECK(decode_rgn(1) == kWriteBackRaWa);
  CHECK(decode_rgn(2) == kWriteThroughRa);
  CHECK(decode_rgn(3) == CacheAttr{kWb, true, false, false});
  CHECK(decode_walk_attr(1, 1, 3) == normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Inner));
  CHECK(decode_walk_attr(0, 0, 3).shareability == Shareability::Outer);
  CHECK(decode_walk_attr(1, 0, 3).shareability == Shareability::Inner);
}

TEST_CASE("stage-2 MemAttr") {
  for (u8 d = 0; d < 4; ++d) CHECK(decode_stage2(d, 3) == device_attr(static_cast<MemType>(d)));
  constexpr Cacheability kPolicy[4] = {kNc, kNc, kWt, kWb};  // 00 is reserved
  for (u8 attr = 4; attr < 16; ++attr) {
    const MemAttr got = decode_stage2(attr, 3);
    CAPTURE(unsigned{attr});
    CHECK(got.type == MemType::Normal);
    CHECK(got.outer.policy == kPolicy[attr >> 2]);
    CHECK(got.inner.policy == kPolicy[attr & 3]);
  }
}

TEST_CASE("combination without FWB, every stage-1 attribute by every stage-2 field") {
  for (const MemAttr& s1 : all_attributes()) {
    for (u8 field = 0; field < 16; ++field) {
      for (u8 sh : {0, 2, 3}) {
        const MemAttr s2 = decode_stage2(field, sh), got = combine(s1, s2);
        CAPTURE(unsigned{encode_mair(s1)}, unsigned{field}, unsigned{sh});
        if (s1.is_device() || s2.is_device()) {
          const unsigned a = static_cast<unsigned>(s1.type), b = static_cast<unsigned>(s2.type);
          REQUIRE(static_cast<unsigned>(got.type) == (a < b ? a : b));
          REQUIRE(got.shareability == Shareability::Outer);
          continue;
        }
        REQUIRE(got.type == MemType::Normal);
        const auto weaker = [](Cacheability a, Cacheability b) { return a < b ? a : b; };
        REQUIRE(got.inner.policy == weaker(s1.inner.policy, s2.inner.policy));
        REQUIRE(got.outer.policy == weaker(s1.outer.policy, s2.outer.policy));
        if (got.inner.policy != kNc) {
          REQUIRE(got.inner.read_allocate == s1.inner.read_allocate);
          REQUIRE(got.inner.write_allocate == s1.inner.write_allocate);
          REQUIRE(got.inner.transient == s1.inner.transient);
        } else {
          REQUIRE(got.inner == kNonCacheable);
        }
        const unsigned want =
            got.is_non_cacheable() ? 2 : std::max(strength(s1.shareability), strength(s2.shareability));
        REQUIRE(strength(got.shareability) == want);
      }
    }
  }
}

TEST_CASE("combination with FWB") {
  for (const MemAttr& s1 : all_attributes()) {
    for (u8 field = 0; field < 16; ++field) {
      for (u8 sh : {0, 2, 3}) {
        const MemAttr got = combine_fwb(s1, field, sh);
        CAPTURE(unsigned{encode_mair(s1)}, unsigned{field}, unsigned{sh});
        const unsigned shared = std::max(strength(s1.shareability), sh == 2 ? 2u : sh == 3 ? 1u : 0u);
        switch (field & 7) {
          case 0:
          case 1:
          case 2:
          case 3: {
            const unsigned d2 = field & 3, d1 = s1.is_device() ? static_cast<unsigned>(s1.type) : 3;
            REQUIRE(static_cast<unsigned>(got.type) == (d1 < d2 ? d1 : d2));
            break;
          }
          case 4:
          case 5:
            if (s1.is_device()) {
              REQUIRE(got == s1);
            } else {
              REQUIRE(got.is_non_cacheable());
              REQUIRE(got.shareability == Shareability::Outer);
            }
            break;
          case 6: {
            REQUIRE(got.is_write_back());  // even over Device and Non-cacheable
            REQUIRE(strength(got.shareability) == shared);
            const bool hints = !s1.is_device() && s1.inner.policy != kNc;
            REQUIRE(got.inner.read_allocate == (hints ? s1.inner.read_allocate : true));
            REQUIRE(got.inner.write_allocate == (hints ? s1.inner.write_allocate : true));
            break;
          }
          case 7:
            REQUIRE(got.type == s1.type);
            REQUIRE(got.inner == s1.inner);
            REQUIRE(got.outer == s1.outer);
            REQUIRE(strength(got.shareability) == (s1.is_device() || s1.is_non_cacheable() ? 2 : shared));
            break;
        }
      }
    }
  }
}
