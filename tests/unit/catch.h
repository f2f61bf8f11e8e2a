// tests/unit/catch.h - Catch2 for files that include farside headers; include it last, it takes CHECK over for tests.
#pragma once
#include "core/base/check.h"
#undef CHECK
#include <catch2/catch.hpp>
