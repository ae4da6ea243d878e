// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/multilinkctl.hpp"

int main(int argc, char** argv) {
  return multilink::run_multilinkctl(argc, argv);
}
