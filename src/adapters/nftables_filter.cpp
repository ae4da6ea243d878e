// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/nftables_filter.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/adapters/nft.hpp"
#include "multilink/adapters/nftables_events.hpp"
#include "multilink/adapters/nftables_message.hpp"
#include "multilink/adapters/nftables_reader.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using namespace std::chrono_literals;

constexpr int kTriesInPlace = 2;  // the second for whoever changed the table between looking and replacing
constexpr Duration kTuplesLive = 1min;  // the timeout of their sets
constexpr Duration kLookAgain = 1min;   // at sets that are not empty yet
constexpr Duration kKernelLater = 1s;   // than our clock, at the most, with the end of an element's time

tl::unexpected<Error> prefixed(const Error& error) {
  return fail(cat("nftables: table inet ", kFilterTable, ": ", error.message), error.code);
}

}  // namespace

struct NftablesFilter::Impl {
  explicit Impl(EventLoop& event_loop)
      : loop(event_loop), socket(NetlinkProtocol::netfilter), reader(socket), events(loop) {}

  Result<void> run(const std::string& text) {
    if (auto done = nft.run(text); !done) return tl::unexpected<Error>(done.error());
    return {};
  }

  Result<void> replace(const PacketFilterTable& table) {
    const auto before = reader.generation();
    if (auto done = exchange(table); !done) return done;
    learn(before);
    hold_nat();
    return {};
  }

  Result<void> exchange(const PacketFilterTable& table) {
    for (int tries = 0; tries < kTriesInPlace; ++tries) {
      const auto present = reader.present();
      if (!present) return prefixed(present.error());
      if (!holds_only_ours(*present)) break;
      const auto text = filter_in_place(table, exceptions, *present);
      if (!text) return tl::unexpected<Error>(text.error());
      if (nft.run(*text)) return {};
    }
    const auto text = filter_anew(table, exceptions);
    if (!text) return tl::unexpected<Error>(text.error());
    return run(*text);
  }

  /// What an earlier run has put into the sets stays in force.
  void look_into_sets() {
    const auto some = reader.has_elements();
    exceptions = some && !*some ? Exceptions::none : Exceptions::possible;
    if (exceptions == Exceptions::possible) calm_down_after(kLookAgain);
  }

  /// From now on the rules ask the sets, for so long at least. ENOENT before the first replace().
  Result<void> ask_sets(Duration length) {
    if (!wanted) return fail(cat("nftables: there is no table inet ", kFilterTable, " of ours"), ENOENT);
    calm_at = std::max(calm_at, loop.now().mono + length + kKernelLater);
    if (exceptions == Exceptions::possible) return {};
    auto done = replace_as(Exceptions::possible);
    if (done) calm_down_after(length + kKernelLater);
    return done;
  }

  /// The wanted table, asking the sets or not. That somebody else has changed it is told all the same: there may be
  /// more to mend than the table.
  Result<void> replace_as(Exceptions form) {
    const bool was_ours = is_in_force().value_or(false);
    const auto before = std::exchange(exceptions, form);
    auto done = replace(*wanted);
    if (!done) {
      exceptions = before;
    } else if (!was_ours) {
      in_force.reset();
      tell();
    }
    return done;
  }

  Result<bool> is_in_force() {
    if (!in_force) return false;
    const auto number = reader.generation();
    if (!number) return prefixed(number.error());
    if (*number == in_force->generation) return true;
    const auto image = reader.image();
    if (!image) return prefixed(image.error());
    if (*image != in_force->image) return false;
    in_force->generation = *number;
    return true;
  }

  void calm_down_after(Duration delay) {
    calm_timer = loop.after(delay, [this] { calm_down(); });
  }

  void calm_down() {
    if (!wanted) return;
    const Duration left = calm_at - loop.now().mono;
    if (left > Duration{}) return calm_down_after(left);
    if (const auto some = reader.has_elements(); !some || *some) return calm_down_after(kLookAgain);
    if (!replace_as(Exceptions::none)) calm_down_after(kLookAgain);
  }

  /// Something has gone before its time, or has not come at all.
  void calm_down_soon() {
    calm_at = loop.now().mono;
    if (exceptions == Exceptions::possible) calm_down_after({});
  }

  /// Where it cannot be had (another process has it) connections are as safe as without it: nothing to tell.
  void hold_nat() {
    if (!holds_nat) holds_nat = socket.change_together(hold_nat_request()).has_value();
  }
  void release_nat() {
    if (std::exchange(holds_nat, false)) static_cast<void>(socket.change_together(release_nat_request()));
  }

  /// Remembers what we have just put there, unless somebody else was at it as well. `before`: the number of the
  /// ruleset that we replaced.
  void learn(const Result<std::uint32_t>& before) {
    in_force.reset();
    auto image = reader.image();
    const auto number = reader.generation();
    const auto seen = events.take();
    if (!image || !number) return;
    const bool alone = before && *number == *before + 1;
    if (!alone && (seen.overrun || seen.transactions != 1)) return tell();
    in_force = InForce{*number, std::move(*image)};
  }

  void tell() {
    if (!on_change) return;
    loop.post([alive = std::weak_ptr<bool>(life), this] {
      if (!alive.expired()) on_change();
    });
  }

  Result<bool> exists() {
    const auto present = reader.present();
    if (!present) return prefixed(present.error());
    return present->exists;
  }

  /// libnftables gives no errno for an element of a table that is not there.
  Result<void> must_exist() {
    const auto there = exists();
    if (!there) return tl::unexpected<Error>(there.error());
    if (!*there) return fail(cat("nftables: there is no table inet ", kFilterTable), ENOENT);
    return {};
  }

  /// By one transaction; a change by others that shows meanwhile is told.
  Result<void> change_elements(const std::string& text) {
    auto done = run(text);
    const auto seen = events.take();
    if (seen.overrun || seen.transactions > (done ? 1U : 0U)) tell();
    return done;
  }

  /// As many of these, all of one family, as there is room for.
  Result<std::size_t> add(std::span<const TcpTuple> tuples) {
    std::size_t done = 0;
    std::size_t chunk = std::min(tuples.size(), kMostTuplesATransaction);
    while (done < tuples.size() && chunk > 0) {
      const auto some = tuples.subspan(done, std::min(chunk, tuples.size() - done));
      auto added = socket.change_together(add_tuples_request(some));
      if (added) {
        done += some.size();
        ++own_transactions;
      } else if (added.error().code == ENFILE) {
        chunk = some.size() / 2;
      } else {
        return prefixed(added.error());
      }
    }
    return done;
  }

  struct InForce {
    std::uint32_t generation;  ///< of the ruleset when it was seen last
    std::string image;
  };

  EventLoop& loop;
  NetlinkSocket socket;
  NftablesReader reader;
  NftablesEvents events;
  Nft nft{cat("nftables: table inet ", kFilterTable)};
  bool holds_nat = false;
  std::optional<PacketFilterTable> wanted;       ///< by the last replace()
  Exceptions exceptions = Exceptions::possible;  ///< whether the rules of `wanted` ask the sets
  MonoTime calm_at{};                            ///< when nothing that we put into the sets is left
  std::unique_ptr<Timer> calm_timer;             ///< while they ask
  std::optional<InForce> in_force;  ///< what replace() has put there; none: nothing, or it is not known
  unsigned own_transactions = 0;    ///< of the call of reset() under way
  std::function<void()> on_change;
  std::shared_ptr<bool> life = std::make_shared<bool>();
};

NftablesFilter::NftablesFilter(EventLoop& loop) : impl_(std::make_unique<Impl>(loop)) {}

NftablesFilter::~NftablesFilter() = default;

Result<void> NftablesFilter::replace(const PacketFilterTable& table) {
  impl_->events.take();  // what others did so far is superseded
  if (!impl_->wanted) impl_->look_into_sets();
  auto done = impl_->replace(table);
  if (done) impl_->wanted = table;
  return done;
}

Result<bool> NftablesFilter::is_in_force() {
  return impl_->is_in_force();
}

Result<bool> NftablesFilter::exists() {
  return impl_->exists();
}

Result<bool> NftablesFilter::remove() {
  const auto done = impl_->run(cat("delete table inet ", kFilterTable, '\n'));
  if (!done && done.error().code != ENOENT) return tl::unexpected<Error>(done.error());
  impl_->release_nat();
  impl_->in_force.reset();
  impl_->wanted.reset();
  impl_->calm_timer.reset();
  impl_->calm_at = {};
  impl_->events.take();
  return done.has_value();
}

Result<std::size_t> NftablesFilter::reset(const std::vector<TcpTuple>& tuples) {
  std::vector<TcpTuple> sorted = tuples;
  const auto v6 = std::stable_partition(sorted.begin(), sorted.end(), [](const TcpTuple& tuple) {
    return tuple.source.family() == Family::v4;
  });
  if (sorted.empty()) return 0;
  if (auto asked = impl_->ask_sets(kTuplesLive); !asked) return tl::unexpected<Error>(asked.error());
  impl_->own_transactions = 0;
  std::size_t count = 0;
  Result<std::size_t> done = 0;
  for (const auto& family : {std::span(sorted.begin(), v6), std::span(v6, sorted.end())}) {
    done = impl_->add(family);
    if (!done) break;
    count += *done;
  }
  const auto seen = impl_->events.take();
  if (seen.overrun || seen.transactions > impl_->own_transactions) impl_->tell();
  if (!done) return done;
  return count;
}

Result<void> NftablesFilter::reset_orphans(Family family, Duration length) {
  if (auto there = impl_->must_exist(); !there) return there;
  if (length > Duration{}) {
    if (auto asked = impl_->ask_sets(length); !asked) return asked;
  }
  return impl_->change_elements(
      multilink::reset_orphans(family, std::chrono::duration_cast<std::chrono::milliseconds>(length)));
}

Result<void> NftablesFilter::drill(const std::string& device, Duration length) {
  if (const auto flaw = why_not_filterable(device); !flaw.empty())
    return fail(cat("device ", quoted(device), ": ", flaw), EINVAL);
  const auto end = impl_->loop.now().mono + length;
  const auto left = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(end - impl_->loop.now().mono);
  };
  if (length < 1ms) return fail("its time is over", ETIME);
  if (auto there = impl_->must_exist(); !there) return there;
  if (auto asked = impl_->ask_sets(length); !asked) return asked;
  auto done = impl_->change_elements(begin_drill(device, std::max(left(), std::chrono::milliseconds(1))));
  if (!done) impl_->calm_down_soon();
  return done;
}

Result<void> NftablesFilter::end_drill(const std::string& device) {
  if (!why_not_filterable(device).empty()) return {};
  auto done = impl_->change_elements(
      cat("delete element inet ", kFilterTable, ' ', kDrilled, " { \"", device, "\" }\n"));
  if (!done && done.error().code == ENOENT) return {};
  impl_->calm_down_soon();
  return done;
}

void NftablesFilter::watch(std::function<void()> on_change) {
  assert(!impl_->on_change);
  impl_->on_change = std::move(on_change);
  impl_->events.watch([this] { impl_->on_change(); });
}

}  // namespace multilink
