// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace multilink {

/// status.cgi: one request, from the environment (RFC 3875) and MULTILINK_REDIS or MULTILINK_CONFIG, answered
/// on standard output within about a second. Gives the exit status: 0 whenever it has answered.
int run_status_cgi();

}  // namespace multilink
