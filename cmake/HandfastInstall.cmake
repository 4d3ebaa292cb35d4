# Installs the library, its headers under include/handfast/, the command, and what find_package
# and pkg-config need.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/handfast)

install(TARGETS handfast EXPORT handfastTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET handfast-cli)
  install(TARGETS handfast-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/docs/handfast.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(EXPORT handfastTargets NAMESPACE handfast:: DESTINATION ${package_dir})

# Rooms include each other as "tcp/connection.hpp". In the installed headers that reads
# "handfast/tcp/connection.hpp", so that a user's own tcp/ or base/ is never taken for ours.
string(REPLACE ";" "|" rooms_pattern "${library_rooms}")
string(REPLACE ";" " " rooms_words "${library_rooms}")
install(CODE "
  set(source_dir \"${PROJECT_SOURCE_DIR}/src\")
  set(staging_dir \"${PROJECT_BINARY_DIR}/installed_headers\")
  set(rooms_pattern \"${rooms_pattern}\")
  set(rooms_words \"${rooms_words}\")
  set(include_dir \"${CMAKE_INSTALL_INCLUDEDIR}\")
  include(\"${PROJECT_SOURCE_DIR}/cmake/install_headers.cmake\")
")

set(package_dependencies "")
set(pc_requires "")
set(pc_cflags "")
foreach(target IN LISTS third_parties)
  if(target STREQUAL "fmt::fmt")
    string(APPEND package_dependencies "find_dependency(fmt)\n")
    list(APPEND pc_requires fmt)
  elseif(target STREQUAL "OpenSSL::Crypto")
    string(APPEND package_dependencies "find_dependency(OpenSSL 3 COMPONENTS Crypto)\n")
    list(APPEND pc_requires libcrypto)
  elseif(target STREQUAL "ZLIB::ZLIB")
    string(APPEND package_dependencies "find_dependency(ZLIB)\n")
    list(APPEND pc_requires zlib)
  elseif(target STREQUAL "PkgConfig::handfast_brotli")
    string(APPEND package_dependencies "find_dependency(PkgConfig)\npkg_check_modules(handfast_brotli \
REQUIRED QUIET IMPORTED_TARGET libbrotlienc libbrotlidec)\n")
    list(APPEND pc_requires libbrotlienc libbrotlidec)
  elseif(target STREQUAL "PkgConfig::handfast_zstd")
    string(APPEND package_dependencies "find_dependency(PkgConfig)\npkg_check_modules(handfast_zstd \
REQUIRED QUIET IMPORTED_TARGET libzstd)\n")
    list(APPEND pc_requires libzstd)
  elseif(target STREQUAL "PkgConfig::handfast_nghttp2")
    string(APPEND package_dependencies "find_dependency(PkgConfig)\npkg_check_modules(handfast_nghttp2 \
REQUIRED QUIET IMPORTED_TARGET libnghttp2>=1.52)\n")
    list(APPEND pc_requires "libnghttp2 >= 1.52")
  elseif(target STREQUAL "handfast_asio")
    set(pc_cflags " -DASIO_STANDALONE -DASIO_NO_DEPRECATED")
  endif()
endforeach()
list(JOIN pc_requires ", " pc_requires)
# The prefix relative to the .pc file, so that an installed tree can be moved.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")

configure_package_config_file(cmake/handfastConfig.cmake.in
  ${PROJECT_BINARY_DIR}/handfastConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/handfastConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
configure_file(cmake/handfast.pc.in ${PROJECT_BINARY_DIR}/handfast.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/handfastConfig.cmake
              ${PROJECT_BINARY_DIR}/handfastConfigVersion.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/handfast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
