// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/squid_helper.hpp"

int main(int argc, char** argv) {
  return multilink::run_squid_helper(argc, argv);
}
