# SPDX-License-Identifier: GPL-2.0-or-later
# `cpack -G DEB` in the build folder: one package, `multilink`.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME multilink)
set(CPACK_PACKAGE_VENDOR "the multilink maintainers")
set(CPACK_PACKAGE_CONTACT "multilink maintainers <maintainers@multilink.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "failover and load balancing between several Internet providers")
set(CPACK_PACKAGE_DESCRIPTION
"multilink probes every uplink of a router, judges their health and keeps the
default route on the best one that works, in IPv4 and IPv6, within a fraction
of a second. Connections stay where they began for as long as they can live
there. It is a suite of small daemons around a private Redis, with a status
page, and lives beside NetworkManager, systemd-networkd, Docker and VPNs.
.
Nothing is started by the installation: write the uplinks into
/etc/multilink/interfaces.conf, then enable multilink.target.")
# What is absolute goes below the staging folder, too.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "redis-server (>= 5:6), systemd (>= 247)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "nftables")
# A web server is only suggested: Debian starts it at once, on port 80 of every line.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "lighttpd | httpd-cgi, squid (>= 5.7)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/config/debian/postinst"
  "${CMAKE_SOURCE_DIR}/config/debian/prerm"
  "${CMAKE_SOURCE_DIR}/config/debian/postrm")
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_SOURCE_DIR}/cmake/stage.cmake")
include(CPack)
