// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "fakes/fake_kernel.hpp"
#include "multilink/core/routing_numbers.hpp"
#include "multilink/ports/kernel.hpp"

namespace multilink {

/// What the Kernel's contract is tried in: the fake, or the adapter in a network namespace of its own. The
/// world holds what others do to the same kernel.
class KernelWorld {
 public:
  virtual ~KernelWorld() = default;

  virtual Kernel& kernel() = 0;
  /// Lets the loop run until `reached`, for at most 10 s; whether it was reached.
  virtual bool run_until(const std::function<bool()>& reached) = 0;

  virtual void add_link(std::string_view name) = 0;  ///< up, with carrier
  virtual void add_point_to_point(std::string_view name) = 0;
  virtual void remove_link(std::string_view name) = 0;
  virtual void set_admin_up(std::string_view name, bool up) = 0;
  virtual void set_carrier(std::string_view name, bool on) = 0;  ///< from the far end
  virtual void add_address(std::string_view name, std::string_view prefix,
                           std::optional<std::string_view> peer = std::nullopt) = 0;
  virtual void remove_address(std::string_view name, std::string_view prefix) = 0;
  virtual void deprecate_address(std::string_view name, std::string_view prefix) = 0;
  /// The router fe80::1 behind the link advertises itself, for so many seconds (0: no longer), with this hop limit
  /// (0: it names none). Takes effect when it likes.
  virtual void advertise_router(std::string_view name, unsigned lifetime, std::uint8_t hop_limit = 0) = 0;
  /// Another program's `ip route add`, `append`, … and `ip route del` of exactly this.
  virtual Result<void> add_foreign(const Route& route, fakes::AddMode mode) = 0;
  virtual Result<void> remove_foreign(const Route& route) = 0;
  virtual Result<void> add_foreign(const Rule& rule) = 0;
  /// As `ip rule add` without a priority.
  virtual void add_foreign_before_all(const Rule& rule) = 0;
  /// More happens than the kernel can hold notifications of, while nobody reads them.
  virtual void lose_notifications() = 0;
  /// Where the kernel sends a packet: the device, or the errno.
  virtual Result<std::string> carrier_of(const fakes::Flow& flow) = 0;
};

std::unique_ptr<KernelWorld> make_fake_kernel_world();
std::unique_ptr<KernelWorld> make_real_kernel_world();

}  // namespace multilink
