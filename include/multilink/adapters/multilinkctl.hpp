// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace multilink {

/// The administrator's command: options, one subcommand, its output on standard output, errors on standard
/// error. Gives the exit status (adapters/daemon.hpp).
int run_multilinkctl(int argc, char** argv);

}  // namespace multilink
