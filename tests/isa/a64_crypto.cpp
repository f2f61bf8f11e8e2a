// tests/isa/a64_crypto.cpp - rows for the cryptographic extensions; values computed by QEMU's Arm model, not by
// farside.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
    ROW("aese v0.16b, v1.16b", 0x4e284820,
        in("v0=6f3470f0a07ab5d1_85f5e31c8ae42f9a v1=22d1ae187cc1be53_993e65d6e8385230"),
        out("v0=861fff9b9c861d13_aad92b74e3ea44ac")),
    ROW("aese v0.16b, v1.16b", 0x4e284820,
        in("v0=8faf0f77876160fc_ca353b208b811e05 v1=b8f0fa57dc1eca43_da7992e933e730cc"),
        out("v0=392931b7ca33e608_6ccfacdd9ad2d3dd")),
    ROW("aese v0.16b, v1.16b", 0x4e284820,
        in("v0=a4ac3688ae61226e_f65d557814ad5e72 v1=5d518c477ac615d0_6d6927d7619af5b8"),
        out("v0=4818628a149af4ae_9d549a79995c4074")),
    ROW("aesd v0.16b, v1.16b", 0x4e285820,
        in("v0=e1ea5e4b12509e7e_b8d104722fd008e8 v1=3b335d4d35d4aa08_ec812ff6ad7264ee"),
        out("v0=116c28a57a1a0b0f_3de5b84ffd4fd5a5")),
    ROW("aesd v0.16b, v1.16b", 0x4e285820,
        in("v0=20365e99b2ee85e5_dde55cc0757c69e2 v1=e9e13ca5e9c29412_ea287557b50e3576"),
        out("v0=1f80e36d121e4c26_570da785b242abe7")),
    ROW("aesd v0.16b, v1.16b", 0x4e285820,
        in("v0=42c5c0ce04650f06_f75cb4ff866a3f9b v1=103edfb59cdfbf79_b24ac291f69f74ee"),
        out("v0=d0fffc0348770f6b_e263cc4568c0cb3f")),
    ROW("aesmc v0.16b, v1.16b", 0x4e286820, in("v1=e32cf91ab29c1a8d_755e298dfed3e816"),
        out("v0=268564eb7579b401_11874851e65a4d22")),
    ROW("aesmc v0.16b, v1.16b", 0x4e286820, in("v1=7f474fe86c5411eb_2fcbf2ee32564823"),
        out("v0=d5a8c022bbe659c6_4ee0782e1f917bfa")),
    ROW("aesmc v0.16b, v1.16b", 0x4e286820, in("v1=f5eadaeb3eb5e32f_0287bfeb94743fec"),
        out("v0=e7fa94a75bff08eb_1a471e92579c9a62")),
    ROW("aesimc v0.16b, v1.16b", 0x4e287820, in("v1=a57a85fb1d8249f6_821a8a851aceec30"),
        out("v0=47333eeba057b463_ef38d292f3e0150e")),
    ROW("aesimc v0.16b, v1.16b", 0x4e287820, in("v1=18f280d43de240b8_aa1e2fadd06e8b5c"),
        out("v0=f49c0bddc730f424_1b0af2d5a8cd212d")),
    ROW("aesimc v0.16b, v1.16b", 0x4e287820, in("v1=6bde57933fa7b1a2_50e83bdd12988593"),
        out("v0=a4547afbaf272c2f_7ecfa94671abc583")),
    ROW("sha1c q0, s1, v2.4s", 0x5e020020,
        in("v0=edcc5ae5afef4a91_7b55965aa04b4fa5 v1=9da0b385322a0fc1_4c2a1aed8a9d678b "
           "v2=2960f6a79276aec9_3514f26eab762413"),
        out("v0=fbd2b2c12707fcf9_3efc5d7e9fd4becd")),
    ROW("sha1c q0, s1, v2.4s", 0x5e020020,
        in("v0=bc8600d08895d0ba_3e108e26273a8b67 v1=018ed6c729463a86_ade7779256cd62a7 "
           "v2=1faff390539e0734_140bfc46463ca4d7"),
        out("v0=033c7d553f957ecc_32b7e0e609ceadb8")),
    ROW("sha1c q0, s1, v2.4s", 0x5e020020,
        in("v0=f5422f11bd8c64ec_d00b512952fdc0fe v1=73f103fd6ee1472a_d538db056cd05580 "
           "v2=8806d690cbdff36e_dd00a740a3a30746"),
        out("v0=095cfab2df7044e7_95c240533dd027fe")),
    ROW("sha1p q0, s1, v2.4s", 0x5e021020,
        in("v0=1e8958e489e39295_e28063290b84f1ab v1=129b03119d60f583_87d88f7a4d68a4a3 "
           "v2=b6ae1149a533cb7c_ce9d65a76b8a7fd0"),
        out("v0=27df00cbb5dba804_422887f7a6afc5ae")),
    ROW("sha1p q0, s1, v2.4s", 0x5e021020,
        in("v0=edaaba1b3065f331_a39cc1d9597702e4 v1=28b5173ba5995c4a_3363b823aab588c0 "
           "v2=2ae9022a22e727a6_639a2c271da0240f"),
        out("v0=5d626493c11b3c64_ec1eafb966f97f96")),
    ROW("sha1p q0, s1, v2.4s", 0x5e021020,
        in("v0=3a7cb1b1ffc0aeca_dd0895bb88f29528 v1=29971a09451a15d5_fd2fd255a3051850 "
           "v2=5c8a711eecbb60bc_b9f80b71a5f65f42"),
        out("v0=e000a9d89d4e7207_e9313a9b30f9ae95")),
    ROW("sha1m q0, s1, v2.4s", 0x5e022020,
        in("v0=b37f1b4869b4298f_21e84af55df97395 v1=6704a24041546f18_5b738f776f0d1dd3 "
           "v2=efce477a13b7df9a_a5acc4089e3774a5"),
        out("v0=3b9bc43c9c418c42_ecb03b6c416e1c00")),
    ROW("sha1m q0, s1, v2.4s", 0x5e022020,
        in("v0=ad4c8b0ab0f85f98_6d6281213fb4edac v1=4fd72f166b728204_a78a26f7829f143e "
           "v2=e79e2aad09a79d73_2576031c03355784"),
        out("v0=4a76ab14d2844174_08995fbda097ede9")),
    ROW("sha1m q0, s1, v2.4s", 0x5e022020,
        in("v0=95e324d960a5313a_8722c2ae75864371 v1=8b616ae03cef8b87_b36608b4d19f4813 "
           "v2=d6f12bbe6e6383fc_632ebaaa8eaa039a"),
        out("v0=65ad36a50c4c58dc_8b15b3d950918a8e")),
    ROW("sha1su0 v0.4s, v1.4s, v2.4s", 0x5e023020,
        in("v0=e9b3133c1893af95_981430a7dc1295f4 v1=ef3d9412ef2d74fd_2372fc0cb2566cff "
           "v2=364c05d49968c049_c6cfa46e51da2c1f"),
        out("v0=fc8deae433ad0323_b76887f5955b167e")),
    ROW("sha1su0 v0.4s, v1.4s, v2.4s", 0x5e023020,
        in("v0=f676631a45b16eec_01c9af9dd779c352 v1=852a6c653cf7645c_98058a49fcb4d800 "
           "v2=3c8003d6999f2797_1be0bab3cc1073f0"),
        out("v0=52f3ea85209a917b_ec5f76345ed8de4e")),
    ROW("sha1su0 v0.4s, v1.4s, v2.4s", 0x5e023020,
        in("v0=324f6c80f4257e5f_b1c4b9413078ddf4 v1=3e81dc18b8ef1120_e17a89a6a1c5960b "
           "v2=baac3702517dfe26_556e3293cb75ae29"),
        out("v0=6999d224049d1672_d6e5e7520f280d82")),
    ROW("sha256h q0, q1, v2.4s", 0x5e024020,
        in("v0=8395e3e406147c0d_74033ddbf6fd0a0b v1=1c8f38c4a6db85a6_a2c4f3c1e7d12a96 "
           "v2=d04c84020548291e_12f2e6e84221be40"),
        out("v0=b330ab5cc074442a_38640731f52275c2")),
    ROW("sha256h q0, q1, v2.4s", 0x5e024020,
        in("v0=e9e808234e200978_054d259f32bc9e4a v1=03224e9915ba229d_82b8e7936cc3f4f5 "
           "v2=c9a1b2697e94bcd3_410ea47d7c6ae7f5"),
        out("v0=4edeb25851b3ebbb_69fefcfc0b6b4ef4")),
    ROW("sha256h q0, q1, v2.4s", 0x5e024020,
        in("v0=a7327aeb1e1a8d91_3c1328eca5c0c862 v1=dc7c86183a3753a5_2ba8e7b5e818d3ba "
           "v2=d1ba3ed62124d536_a1d72dd6fb66d8d9"),
        out("v0=c7feff2f5dbaab45_c109b39574eca2a0")),
    ROW("sha256h2 q0, q1, v2.4s", 0x5e025020,
        in("v0=c604453b371ad555_06eff0cdbeed1698 v1=4d47c658f601b627_f88aceae9dcd9736 "
           "v2=e5644c2aedc7224b_57eeaaebcef217ba"),
        out("v0=b1a51ac1c878e903_b7136dbc8fcfe6b9")),
    ROW("sha256h2 q0, q1, v2.4s", 0x5e025020,
        in("v0=6dabbee90153e817_d1940477a41d0d8b v1=0668d0f7b444bd9c_54ea5e74922f6d9c "
           "v2=cb468d9b7099a8ce_30a49b41da0d66ad"),
        out("v0=60db0ce9ec835175_b05e407db86da1c8")),
    ROW("sha256h2 q0, q1, v2.4s", 0x5e025020,
        in("v0=0f3ee2e9b6ea0f8e_b292dcb1e12c2760 v1=fd3bbcc6bceaedc2_174af9ec56471795 "
           "v2=0fbf9c1c3ad369b8_9a08a1ef4dc2fecb"),
        out("v0=0a8ad091d158ddfc_058fe8e9d0feaee5")),
    ROW("sha256su1 v0.4s, v1.4s, v2.4s", 0x5e026020,
        in("v0=29e685f2c26edea8_36aa224e3627d9e1 v1=b29f0593a0492b39_b80fa77058a3f969 "
           "v2=860b558e6fefb842_e36469a75d452685"),
        out("v0=ebe63852b7085953_974a5e98196a0335")),
    ROW("sha256su1 v0.4s, v1.4s, v2.4s", 0x5e026020,
        in("v0=276a87e8c30daf0f_63416e1e1e970c82 v1=a4b3115b2e4a6596_96ce994aedf83d45 "
           "v2=3aa167dfae5e363e_d9f6fdfc5f48abad"),
        out("v0=0e79cb83b2996e53_30a6a6119358bb35")),
    ROW("sha256su1 v0.4s, v1.4s, v2.4s", 0x5e026020,
        in("v0=dfe408b081aae732_e9291cfb2b1b12dc v1=125035d19626ab22_21a56c6798515f4f "
           "v2=f763acea5043c0ec_32c7d78e3203e224"),
        out("v0=6c43275bb36fdb07_2325c5d3e540321c")),
    ROW("sha1h s0, s1", 0x5e280820, in("v1=15ca9e2b10d44fc2_cf5c8e7335e08b39"),
        out("v0=0000000000000000_000000004d7822ce")),
    ROW("sha1h s0, s1", 0x5e280820, in("v1=9c39e686a6c1e6a1_ca37b0738a634c5a"),
        out("v0=0000000000000000_00000000a298d316")),
    ROW("sha1h s0, s1", 0x5e280820, in("v1=e4e19387debc7ffb_408b6c2a97ad387e"),
        out("v0=0000000000000000_00000000a5eb4e1f")),
    ROW("sha1su1 v0.4s, v1.4s", 0x5e281820,
        in("v0=eb818b42a1373db4_6f08c0dcd1da51f9 v1=79603710f4078cf0_28aaf8fc11eaa932"),
        out("v0=32c1b292b0ae1549_361e9859f2e1520b")),
    ROW("sha1su1 v0.4s, v1.4s", 0x5e281820,
        in("v0=eafe1372b5c1ed34_747baf3409066abd v1=cbf9a8edb55f4e9f_3e445369bb938524"),
        out("v0=08f4c1b5fc708bb2_8249c3576e8473a8")),
    ROW("sha1su1 v0.4s, v1.4s", 0x5e281820,
        in("v0=cddbe1a5bc8cfe9a_1c91393987765725 v1=7441f724180bc9d6_74f917af1539a006"),
        out("v0=558ac160919a137d_0935e1dee71e8115")),
    ROW("sha256su0 v0.4s, v1.4s", 0x5e282820,
        in("v0=9e694bcf62c8214e_696f4d42bf36f4bf v1=fd4672b8ab1273af_07a143dea8a0d23b"),
        out("v0=f534fd9a40ca3dc2_023e5a1b19e6a228")),
    ROW("sha256su0 v0.4s, v1.4s", 0x5e282820,
        in("v0=52c473bcfd7d275a_2f09cde703db0941 v1=244a941eb352fc00_e1724be48e768c96"),
        out("v0=f2bc12d26b8f397b_128dafe1bca1eb26")),
    ROW("sha256su0 v0.4s, v1.4s", 0x5e282820,
        in("v0=b3b8c259be5686d7_916351e434d9a6af v1=27d5bd22f04b11a9_45b458dd48d34771"),
        out("v0=ee105ead53dc8bf8_aa66e42644512f76")),
    NOCAP("sha512h q0, q1, v2.2d", 0xce628020,
          in("v0=ff5d8b8b52de64c0_0d688c8559e689eb v1=8ceabda4072ef2f5_881fd7fd11131c0c "
             "v2=c28c47eb4f778746_561b32cdf6444c77"),
          out("v0=95398cca01308195_8fc30251792daa40")),
    NOCAP("sha512h q0, q1, v2.2d", 0xce628020,
          in("v0=76004148f41bd219_c884f11ef0c5c378 v1=058bca543e125ed2_8849d09205f20209 "
             "v2=bf2eb2dea1c1fb01_df5ecb9d171feb9d"),
          out("v0=fc208d67fb00911a_d32f0cd1e050f126")),
    NOCAP("sha512h q0, q1, v2.2d", 0xce628020,
          in("v0=7a0738ec66d4a26b_076e836a9a46d7af v1=c2fc176f7433a6c1_d296a4cb5473a3ae "
             "v2=5a019d329c5c47c6_6fec56233add9af0"),
          out("v0=e4aa8fe1cbf41c9a_8ab7b7dad377f0d6")),
    NOCAP("sha512h2 q0, q1, v2.2d", 0xce628420,
          in("v0=52a6926bdde9ab82_97a0835e694492e7 v1=31b06674240a1259_233d0b7278e99faf "
             "v2=aaace767a798b62c_32b29a86e2277d72"),
          out("v0=0c9d64580473d6aa_b886e24c2e60af6f")),
    NOCAP("sha512h2 q0, q1, v2.2d", 0xce628420,
          in("v0=7bd7a707a36e6070_1a07606c9d9ea969 v1=8b0d6a6a070d88bb_4e628e45a10d12d2 "
             "v2=3994355c74ea0496_ce31ac33911aeb6b"),
          out("v0=5cd28d0e1b832eaf_997d348df3ceaed0")),
    NOCAP("sha512h2 q0, q1, v2.2d", 0xce628420,
          in("v0=8b62fb2937b74db9_2cb1fdb68228168b v1=736c262dd35382b5_c270d90b841aaa86 "
             "v2=5bab24a1eea298b4_66453156678eebfc"),
          out("v0=1b86451ba350cbbe_72d74b63ac5daebd")),
    NOCAP("sha512su1 v0.2d, v1.2d, v2.2d", 0xce628820,
          in("v0=c7a1e6d1623adad7_0f5103af154e0a81 v1=4489a0f08a0674e4_a6464527a6e3c6eb "
             "v2=94eebe2bc0e2c67e_09abc23510d3518a"),
          out("v0=48544e93c9235106_61730ac58742a8a5")),
    NOCAP("sha512su1 v0.2d, v1.2d, v2.2d", 0xce628820,
          in("v0=1a84287dec01f912_6957df9365af4050 v1=3077cda4ca5f1f03_fd9b153b8c42e947 "
             "v2=eeb6557f62bfccd8_523971b759cd101c"),
          out("v0=69da521b8726e318_6d978b86adfd807e")),
    NOCAP("sha512su1 v0.2d, v1.2d, v2.2d", 0xce628820,
          in("v0=ad88f408bfd3451c_03c30b5434879ce9 v1=9d1591e36162f9a4_ede942a02c03e4ef "
             "v2=870e4bca2eded71d_742ee80773864307"),
          out("v0=ea838ad123604727_8852411271090d5c")),
    NOCAP("rax1 v0.2d, v1.2d, v2.2d", 0xce628c20,
          in("v1=5daca41934508319_f5674f6348a966f6 v2=64580c1fb0f665d4_51ea5422ea4a8685"),
          out("v0=951cbc2655bc48b1_56b3e7269c3c6bfc")),
    NOCAP("rax1 v0.2d, v1.2d, v2.2d", 0xce628c20,
          in("v1=512330e5232f4e98_6bb61bcbb69cb42c v2=b8fce9d95874f014_cd8ee186e7e005ff"),
          out("v0=20dae35793c6aeb1_f0abd8c6795cbfd3")),
    NOCAP("rax1 v0.2d, v1.2d, v2.2d", 0xce628c20,
          in("v1=d31c01236066ab99_5762d98378e855ce v2=f421f12ce55348e6_fbb32415c650a221"),
          out("v0=3b5fe37aaac03a54_a00491a8f449118d")),
    NOCAP("sha512su0 v0.2d, v1.2d", 0xcec08020,
          in("v0=8304f51e698110b7_42dbefeae6af6316 v1=abf2ca6b6d81546b_f1751069cbf418a1"),
          out("v0=dbae0c22c9272130_b9e3677afd296e80")),
    NOCAP("sha512su0 v0.2d, v1.2d", 0xcec08020,
          in("v0=5c02da68131f300f_4f8793ed1ae31fac v1=9f1cdb09422a785a_cc278bc96106e644"),
          out("v0=7f4a87e0fe3fa817_f16cfe47cc9dd903")),
    NOCAP("sha512su0 v0.2d, v1.2d", 0xcec08020,
          in("v0=c4d389ae2d1c09fa_99f92584944494a1 v1=bb93006db6203373_c63faae17f8e5c04"),
          out("v0=2b291f3dc963c6e0_331dd5d2793db588")),
    NOCAP("eor3 v0.16b, v1.16b, v2.16b, v3.16b", 0xce020c20,
          in("v1=16d6feeafd407fcf_de90eb8141d9db23 v2=048023cbe226b75d_a10c856f82cda923 "
             "v3=85c24daa219121c1_012fb77a0dd18d87"),
          out("v0=9794908b3ef7e953_7eb3d994cec5ff87")),
    NOCAP("eor3 v0.16b, v1.16b, v2.16b, v3.16b", 0xce020c20,
          in("v1=8144610a3b34357b_37e157f1e3395098 v2=6cac41f1d05e676a_66356c320231175b "
             "v3=c3bd0aa3381afa7b_d8acdb184a30ed0b"),
          out("v0=2e552a58d370a86a_8978e0dbab38aac8")),
    NOCAP("eor3 v0.16b, v1.16b, v2.16b, v3.16b", 0xce020c20,
          in("v1=017c977d91af24b8_86f9759377eb4edf v2=49ff6b242e05bcaf_1bba40d29b3c22b3 "
             "v3=078e2eab2dfcb787_74adf98d8b59dc32"),
          out("v0=4f0dd2f292562f90_e9eecccc678eb05e")),
    NOCAP("bcax v0.16b, v1.16b, v2.16b, v3.16b", 0xce220c20,
          in("v1=a20cfc0ad55e3870_c121aa599257a03b v2=53e860fde8ce8f22_ca13d01dd6a57add "
             "v3=07778b30e13419f2_a12c03832b7ff590"),
          out("v0=f2849cc7dd94be70_8b327a4546d7aa76")),
    NOCAP("bcax v0.16b, v1.16b, v2.16b, v3.16b", 0xce220c20,
          in("v1=a9af68f421a43c02_0efeaa8edcf2d6f5 v2=7c1dd2373279e260_da7d83da871b2317 "
             "v3=8c53b542675829f4_3a332351ba44b01e"),
          out("v0=d9a32ac13185fe02_ceb22a04d9e9d5f4")),
    NOCAP("bcax v0.16b, v1.16b, v2.16b, v3.16b", 0xce220c20,
          in("v1=dc828e5ad1415f9c_b259a2eee07dcc1d v2=ad21ab1306ea26da_5178f7aee5d96c5a "
             "v3=fc27903f3701dfa0_21b56d96a8b2f6b4"),
          out("v0=dd82a55ad1ab7fc6_e21130c6a534c457")),
    NOCAP("xar v0.2d, v1.2d, v2.2d, #40", 0xce82a020,
          in("v1=4cd4eda60dc0bb78_aadd70d45e576ae2 v2=deb47f5452d607a4_8759aa90ee48bba7"),
          out("v0=f25f16bcdc926092_44b01fd1452d84da")),
    NOCAP("xar v0.2d, v1.2d, v2.2d, #0", 0xce820020,
          in("v1=bbd20c7e9a8eed48_b74e2eb8496fdbce v2=95acab67863de5e9_d09b64fa840839f9"),
          out("v0=2e7ea7191cb308a1_67d54a42cd67e237")),
    NOCAP("xar v0.2d, v1.2d, v2.2d, #44", 0xce82b020,
          in("v1=444f4b9020e8e7f6_1d32fbe7fa931108 v2=1554c251bf03d703_522f5b0c594a2528"),
          out("v0=9c19feb30f5511b8_0eba3d934204f1da")),
    ROW("pmull2 v0.1q, v1.2d, v2.2d", 0x4ee2e020,
        in("v1=3bec2cfbeec7d4bc_c2d424013d31265e v2=2b78c312828a9882_03ba466262961f2e"),
        out("v0=06e524e25acb66aa_e32439ed3d4dd778")),
    ROW("pmull v0.1q, v1.1d, v2.1d", 0x0ee2e020,
        in("v1=d8bbdba623e0c64c_60678632a6b1a694 v2=ca67aec0d04893b4_24c3627972a9bc1c"),
        out("v0=0da5f0903d792995_df4e254390baf7b0")),
};

}  // namespace

std::span<const Row> crypto_rows() { return kRows; }

}  // namespace farside::test
