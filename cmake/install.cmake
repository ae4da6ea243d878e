# SPDX-License-Identifier: GPL-2.0-or-later
# Where things go. The units name /usr/sbin, so the prefix is /usr; what is the administrator's lies in /etc
# whatever the prefix.
include(GNUInstallDirs)

set(MULTILINK_CONFIG_DIR /etc/multilink)
set(MULTILINK_CGI_DIR lib/cgi-bin/multilink)
set(MULTILINK_HELPER_DIR lib/multilink)

foreach(daemon ${MULTILINK_DAEMONS})
  if(TARGET ${daemon} AND NOT daemon STREQUAL "status-cgi")
    install(TARGETS ${daemon} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
  endif()
endforeach()
install(TARGETS status-cgi RUNTIME DESTINATION ${MULTILINK_CGI_DIR})
install(PROGRAMS systemd/redis-users DESTINATION ${MULTILINK_HELPER_DIR})
# What the files in /etc were before anybody touched them: `multilinkctl init` and an upgrade replace such a one unasked.
install(FILES config/redis.acl config/redis.conf config/interfaces.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/multilink)

foreach(section 5 7 8)
  file(GLOB pages CONFIGURE_DEPENDS docs/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

file(GLOB units CONFIGURE_DEPENDS systemd/*.service systemd/*.target)
install(FILES ${units} DESTINATION lib/systemd/system)
install(FILES systemd/multilink.sysusers DESTINATION lib/sysusers.d RENAME multilink.conf)
install(FILES systemd/multilink.tmpfiles DESTINATION lib/tmpfiles.d RENAME multilink.conf)

file(GLOB guides CONFIGURE_DEPENDS docs/*.md docs/*.json)
install(FILES ${guides} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES config/interfaces.conf config/redis.conf config/lighttpd.conf config/nginx.conf config/apache.conf config/networkd.conf config/other-redis.conf
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
# What the administrator has written stays: an installation over another one is an upgrade.
foreach(file interfaces.conf redis.conf)
  install(CODE "
    set(target \"\$ENV{DESTDIR}${MULTILINK_CONFIG_DIR}/${file}\")
    if(EXISTS \"\${target}\")
      message(STATUS \"Kept: \${target}\")
    else()
      file(INSTALL \"${CMAKE_SOURCE_DIR}/config/${file}\" DESTINATION \"${MULTILINK_CONFIG_DIR}\")
    endif()")
endforeach()
install(FILES config/multilinkctl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME multilinkctl)
