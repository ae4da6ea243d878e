// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace multilink {

/// status.cgi: one request, from the environment (RFC 3875) and MULTILINK_REDIS or MULTILINK_CONFIG, answered
/// on standard output within about a second. Gives the exit status: 0 whenever it has answered. Arguments are a person's
/// at a terminal (--help, --version), and are looked at only where no web server asks (REQUEST_METHOD is not set).
int run_status_cgi(int argc, char** argv);

}  // namespace multilink
