// cache/hierarchy.cpp - accesses: which path each takes, and what it does to lines and memory.
#include "cache/hierarchy.h"
