#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""layers.py sees each kind of breach, and accepts what is allowed."""

import pathlib
import tempfile
import unittest

import layers


class LayersTest(unittest.TestCase):
    def check(self, path, text):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            file = root / path
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return layers.problems(root)

    def test_a_layer_that_includes_a_higher_one(self):
        for path, include in [
            ("src/core/a.cpp", "multilink/ports/store.hpp"),
            ("include/multilink/core/a.hpp", "multilink/services/a.hpp"),
            ("src/ports/a.cpp", "multilink/services/a.hpp"),
            ("src/services/a.cpp", "multilink/adapters/a.hpp"),
        ]:
            self.assertEqual(len(self.check(path, f'#include "{include}"\n')), 1, path)

    def test_a_library_or_the_system_in_a_pure_layer(self):
        for include in ["<boost/asio.hpp>", "<hiredis/hiredis.h>", "<sys/socket.h>", "<fstream>", "<unistd.h>"]:
            self.assertEqual(len(self.check("src/services/a.cpp", f"#include {include}\n")), 1, include)

    def test_a_library_in_a_header_of_an_adapter(self):
        self.assertEqual(len(self.check("include/multilink/adapters/a.hpp", "#include <boost/asio.hpp>\n")), 1)

    def test_a_clock_in_a_pure_layer(self):
        self.assertEqual(len(self.check("src/core/a.cpp", "auto t = std::chrono::steady_clock::now();\n")), 1)

    def test_what_is_allowed(self):
        self.assertEqual(self.check("src/core/a.cpp", "#include <vector>\n#include <tl/expected.hpp>\n"), [])
        self.assertEqual(self.check("src/adapters/a.cpp", "#include <boost/asio.hpp>\n"
                                    '#include "multilink/services/a.hpp"\n'), [])


if __name__ == "__main__":
    unittest.main(argv=["layers_test.py"])
