// core/jit/blocks.cpp - adds, connects and drops blocks.
#include "core/jit/blocks.h"

#include <algorithm>

namespace farside::jit {
namespace {

constexpr u64 kPageMask = 4095;

void leave_target(Link& link) {
  *link.in = link.next_in;
  if (link.next_in != nullptr) link.next_in->in = link.in;
  link.to = nullptr;
}

}  // namespace

Block& Blocks::add(u64 pc, u64 host) {
  Block& block = blocks_.emplace_back();
  block.pc = pc;
  block.host = host;
  Block*& head = buckets_[bucket(pc, host)];
  block.next = head;
  head = &block;
  Page& page = page_of(host);
  block.next_in_page = page.blocks;
  page.blocks = &block;
  ++live_;
  return block;
}

Blocks::Page* Blocks::known_page(u64 host) {
  const auto found = pages_.find(host);
  return found == pages_.end() ? nullptr : &found->second;
}

void Blocks::connect(Link& link, Block& to) {
  link.to = &to;
  link.other_lines = 0;
  link.next_in = to.incoming;
  link.in = &to.incoming;
  if (link.next_in != nullptr) link.next_in->in = &link.next_in;
  to.incoming = &link;
  Asm& code = buffer_.code();
  if (link.host_page != nullptr) {
    // A page has the mark of a guarded one; of a CodeLine there are two.
    const u64 home = buffer_.lines() ? align_down(to.host, pe::kLineBytes) : to.host - (to.pc & kPageMask);
    std::memcpy(code.writable(link.host_page), &home, sizeof home);
    if (link.not_lent != nullptr) code.bind(link.other_line, link.not_lent);
  }
  code.bind(link.jump, to.code);
}

void Blocks::disconnect(Link& link) {
  Asm& code = buffer_.code();
  const u64 nowhere = 0;
  if (link.host_page != nullptr) std::memcpy(code.writable(link.host_page), &nowhere, sizeof nowhere);
  if (link.not_lent != nullptr) code.bind(link.other_line, link.stub);
  code.bind(link.jump, link.stub);
  leave_target(link);
}

void Blocks::redirect(Link& link, Block& to) {
  disconnect(link);
  connect(link, to);
}

void Blocks::drop(Block& block) {
  while (block.incoming != nullptr) disconnect(*block.incoming);
  for (Link* link = block.outgoing; link != nullptr; link = link->next_out) {
    if (link->to != nullptr) leave_target(*link);
    link->from = nullptr;  // a jump from dropped code is never connected again
  }
  Block** at = &buckets_[bucket(block.pc, block.host)];
  while (*at != &block) at = &(*at)->next;
  *at = block.next;
  at = &page_of(block.host).blocks;
  while (*at != &block) at = &(*at)->next_in_page;
  *at = block.next_in_page;
  block.dropped = true;
  --live_;
}

void Blocks::clear() {
  std::fill(buckets_.begin(), buckets_.end(), nullptr);
  blocks_.clear();
  pages_.clear();
  live_ = 0;
}

}  // namespace farside::jit
