# One target for each third-party header root that src/ROOMS names. A root is looked up only when
# a room that may use it has sources, so the library alone needs little.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# Debian's Asio has no CMake package: headers only.
macro(handfast_find_asio)
  find_path(HANDFAST_ASIO_INCLUDE_DIR asio.hpp REQUIRED)
  add_library(handfast_asio INTERFACE)
  target_include_directories(handfast_asio SYSTEM INTERFACE ${HANDFAST_ASIO_INCLUDE_DIR})
  target_compile_definitions(handfast_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
    # Asio looks for aligned_alloc by a macro that some libstdc++ header must have set before: sources
    # that include asio first would take memory with new that others give back with free.
    ASIO_DISABLE_STD_ALIGNED_ALLOC
    # Asio 1.22 looks only for the coroutines TS under clang; libstdc++'s <coroutine> serves.
    $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT=1>)
  target_link_libraries(handfast_asio INTERFACE Threads::Threads)
endmacro()

# Sets `out` to the target of header root `root`, finding its package at the first call.
function(handfast_third_party root out)
  if(root STREQUAL "fmt")
    find_package(fmt REQUIRED GLOBAL)
    set(target fmt::fmt)
  elseif(root STREQUAL "asio")
    if(NOT TARGET handfast_asio)
      handfast_find_asio()
    endif()
    set(target handfast_asio)
  elseif(root STREQUAL "openssl")
    find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto GLOBAL)
    set(target OpenSSL::Crypto)
  elseif(root STREQUAL "zlib")
    find_package(ZLIB REQUIRED GLOBAL)
    set(target ZLIB::ZLIB)
  elseif(root STREQUAL "brotli")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(handfast_brotli REQUIRED IMPORTED_TARGET GLOBAL libbrotlienc libbrotlidec)
    set(target PkgConfig::handfast_brotli)
  elseif(root STREQUAL "zstd")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(handfast_zstd REQUIRED IMPORTED_TARGET GLOBAL libzstd)
    set(target PkgConfig::handfast_zstd)
  elseif(root STREQUAL "nghttp2")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(handfast_nghttp2 REQUIRED IMPORTED_TARGET GLOBAL libnghttp2>=1.52)
    set(target PkgConfig::handfast_nghttp2)
  elseif(root STREQUAL "CLI")
    find_package(CLI11 REQUIRED GLOBAL)
    set(target CLI11::CLI11)
  else()
    message(FATAL_ERROR "src/ROOMS names the third party '${root}', "
                        "which cmake/HandfastDependencies.cmake does not know")
  endif()
  set(${out} ${target} PARENT_SCOPE)
endfunction()
