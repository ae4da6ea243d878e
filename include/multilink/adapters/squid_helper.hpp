// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace multilink {

/// multilink-squid-helper: ParentPicker between Squid, on standard input and output, and Redis. Squid starts it, with what
/// multilinkctl proxy apply has written on its command line. Ends at the end of its input, with status 0, and not
/// before: not without Redis, not after an exception. Status 64: wrong usage.
int run_squid_helper(int argc, char** argv);

}  // namespace multilink
