// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/status_cgi.hpp"

int main(int argc, char** argv) {
  return multilink::run_status_cgi(argc, argv);
}
