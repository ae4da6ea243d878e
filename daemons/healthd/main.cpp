// SPDX-License-Identifier: GPL-2.0-or-later
#include <memory>

#include "multilink/adapters/daemon.hpp"
#include "multilink/services/health_service.hpp"

int main(int argc, char** argv) {
  multilink::DaemonSpec spec;
  spec.name = "healthd";
  spec.summary = "decides from pingd's probes which uplinks may carry traffic, and publishes it in Redis";
  spec.make = [](multilink::DaemonParts& parts) -> std::unique_ptr<multilink::Service> {
    return std::make_unique<multilink::HealthService>(
        multilink::HealthService::Parts{parts.loop, parts.store, parts.supervisor, parts.log}, parts.config,
        parts.boot, parts.self);
  };
  return multilink::run_daemon(argc, argv, spec);
}
