#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""interfaces.conf(5) from config/interfaces.conf, whose comments explain every key.

usage: manual_of_config.py ROOT [--check]   writes ROOT/docs/man/interfaces.conf.5, or says whether it is up to date
"""

import pathlib
import re
import sys

HEAD = r""".\" SPDX-License-Identifier: GPL-2.0-or-later
.\" Made by scripts/manual_of_config.py from config/interfaces.conf: change that one.
.TH INTERFACES.CONF 5 "" multilink "multilink"
.SH NAME
interfaces.conf \- the uplinks of multilink, and how it judges them
.SH SYNOPSIS
.I /etc/multilink/interfaces.conf
.SH DESCRIPTION
"""
TAIL = r""".SH EXAMPLE
Two uplinks, the better one first:
.PP
.nf
[eth0]
[wwan0]
.fi
.SH SEE ALSO
.BR multilink (7),
.BR pingd (8),
.BR healthd (8),
.BR routed (8),
.BR notifyd (8),
.BR multilinkctl (8)
"""
HEADING = re.compile(r"# -- (.*?) -*$")
KEY = re.compile(r"#?([a-z_]+) = (.*)$")


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def manual(text):
    out = [HEAD]
    paragraph = []
    code = []

    def flush(key=None, value=None):
        if key:
            out.append(f".TP\n.B {key} = {escaped(value)}\n")
        elif paragraph:
            out.append(".PP\n")
        out.extend(escaped(line) + "\n" for line in paragraph)
        paragraph.clear()

    def flush_code():
        if code:
            out.append(".PP\n.nf\n" + "".join(escaped(line) + "\n" for line in code) + ".fi\n")
            code.clear()

    for line in text.splitlines()[2:]:
        heading, key = HEADING.match(line), KEY.match(line)
        if line.startswith("#     "):
            flush()
            code.append(line[6:])
            continue
        if line == "#" and code:
            code.append("")
            continue
        flush_code()
        if heading:
            flush()
            out.append(f".SH {heading[1].upper()}\n")
        elif key:
            flush(key[1], key[2])
        elif line.startswith("# "):
            paragraph.append(line[2:])
        else:
            flush()
    flush_code()
    flush()
    return "".join(out) + TAIL


def main():
    root = pathlib.Path(sys.argv[1])
    page = root / "docs/man/interfaces.conf.5"
    wanted = manual((root / "config/interfaces.conf").read_text(encoding="utf-8"))
    if "--check" not in sys.argv:
        page.write_text(wanted, encoding="utf-8")
    elif page.read_text(encoding="utf-8") != wanted:
        sys.exit(f"{page} is out of date: scripts/manual_of_config.py {root}")


if __name__ == "__main__":
    main()
