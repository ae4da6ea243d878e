# SPDX-License-Identifier: GPL-2.0-or-later
# Run by cpack on what is staged for the package: as Debian wants it.
set(root "${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
# Whose uplinks there are only the administrator knows: the package brings an example, and no file that would be in force.
# redis.conf is put there by postinst, which asks nobody whose version it shall be.
file(REMOVE "${root}/etc/multilink/interfaces.conf" "${root}/etc/multilink/redis.conf")
set(doc "${root}/usr/share/doc/multilink")
file(MAKE_DIRECTORY "${doc}")
set(source "${CMAKE_CURRENT_LIST_DIR}/..")
file(COPY "${source}/config/debian/copyright" DESTINATION "${doc}")
foreach(pair "CHANGELOG.md;changelog" "config/debian/changelog;changelog.Debian")
  list(GET pair 0 from)
  list(GET pair 1 to)
  configure_file("${source}/${from}" "${doc}/${to}" COPYONLY)
  execute_process(COMMAND gzip -9nf "${doc}/${to}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(GLOB_RECURSE pages "${root}/usr/share/man/*")
foreach(page ${pages})
  execute_process(COMMAND gzip -9nf "${page}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
execute_process(COMMAND chmod -R u+rwX,go+rX,go-w "${root}" COMMAND_ERROR_IS_FATAL ANY)
