# Everything but the library: tests, interop, fuzzers, benchmarks, examples. All is found by
# place and name, so a new file needs no line here.

# handfast_wants(part package...): sets `wanted`: the part is not OFF, and its packages are here.
macro(handfast_wants part)
  set(wanted ON)
  if(HANDFAST_${part} STREQUAL "OFF")
    set(wanted OFF)
  endif()
  foreach(package ${ARGN})
    if(wanted)
      if(HANDFAST_${part} STREQUAL "AUTO")
        find_package(${package} QUIET)
        if(NOT ${package}_FOUND)
          message(STATUS "Left out for want of ${package}: ${part} (scripts/bootstrap installs it)")
          set(wanted OFF)
        endif()
      else()
        find_package(${package} REQUIRED)
      endif()
    endif()
  endforeach()
endmacro()

set(test_environment "")
if(TARGET handfast-cli)
  set(test_environment "HANDFAST=$<TARGET_FILE:handfast-cli>")
endif()
set(HANDFAST_VECTORS "" CACHE PATH
    "Published test vectors (wycheproof/, rfc8448/, limbo.json); or set the environment variable")

# handfast_script_tests(label pattern properties...): each script is one test. Exit code 77 means
# skipped; the last line it prints says why.
function(handfast_script_tests label pattern)
  file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${pattern}.py
                                      ${PROJECT_SOURCE_DIR}/tests/${pattern}.sh)
  foreach(script IN LISTS scripts)
    get_filename_component(name ${script} NAME_WE)
    if(script MATCHES "\\.py$")
      set(interpreter ${Python3_EXECUTABLE})
    else()
      set(interpreter bash)
    endif()
    add_test(NAME ${label}.${name} COMMAND ${interpreter} ${script}
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${label}.${name} PROPERTIES
      LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 300
      ENVIRONMENT "${test_environment};HANDFAST_BUILD=${PROJECT_BINARY_DIR};CMAKE=${CMAKE_COMMAND}"
      ${ARGN})
  endforeach()
endfunction()

# llhttp, as Debian's node-llhttp ships it: what tests and benchmarks hold our HTTP parser against.
# Strict, as near to the standard as it goes.
if(PROJECT_IS_TOP_LEVEL)
  find_path(HANDFAST_LLHTTP_INCLUDE_DIR llhttp.h PATH_SUFFIXES llhttp PATHS /usr/share/include)
  find_path(HANDFAST_LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
  if(HANDFAST_LLHTTP_INCLUDE_DIR AND HANDFAST_LLHTTP_SOURCE_DIR)
    enable_language(C)
    add_library(handfast_llhttp STATIC EXCLUDE_FROM_ALL
      ${HANDFAST_LLHTTP_SOURCE_DIR}/llhttp.c ${HANDFAST_LLHTTP_SOURCE_DIR}/http.c
      ${HANDFAST_LLHTTP_SOURCE_DIR}/api.c)
    target_include_directories(handfast_llhttp SYSTEM PUBLIC ${HANDFAST_LLHTTP_INCLUDE_DIR})
    target_compile_definitions(handfast_llhttp PUBLIC HANDFAST_LLHTTP LLHTTP_STRICT_MODE=1)
    target_compile_options(handfast_llhttp PRIVATE -O3 -w)
  endif()
endif()

# tests/<room>/*_test.cpp: one program a room, against that room and those below it.
handfast_wants(TESTS GTest nlohmann_json)
if(wanted)
  include(GoogleTest)
  file(GLOB support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/support/*.cpp)
  if(support)
    add_library(handfast_test_support STATIC ${support})
    target_link_libraries(handfast_test_support PRIVATE handfast_compiler fmt::fmt GTest::gtest)
    target_include_directories(handfast_test_support PRIVATE ${PROJECT_SOURCE_DIR}/src
                                                             ${PROJECT_SOURCE_DIR}/tests)
    set_target_properties(handfast_test_support PROPERTIES CXX_EXTENSIONS OFF)
  endif()
  foreach(room IN LISTS all_rooms)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${room}/*.cpp)
    if(NOT sources)
      continue()
    endif()
    add_executable(${room}_tests ${sources})
    target_include_directories(${room}_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    if(support)
      target_link_libraries(${room}_tests PRIVATE handfast_test_support)
    endif()
    handfast_link_rooms(${room}_tests ${room})
    target_link_libraries(${room}_tests PRIVATE GTest::gmock GTest::gtest_main)
    if(room STREQUAL "http" AND TARGET handfast_llhttp)
      target_link_libraries(${room}_tests PRIVATE handfast_llhttp)
    endif()
    target_compile_definitions(${room}_tests PRIVATE
      HANDFAST_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HANDFAST_VECTORS="${HANDFAST_VECTORS}")
    gtest_discover_tests(${room}_tests TEST_PREFIX ${room}. DISCOVERY_MODE PRE_TEST
      PROPERTIES LABELS ${room} TIMEOUT 120 ENVIRONMENT "${test_environment}")
  endforeach()

  # tests/bogo/: what BoringSSL's test runner drives.
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/bogo/*.cpp)
  add_executable(bogo_shim ${sources})
  target_include_directories(bogo_shim PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  handfast_link_rooms(bogo_shim tls)

  if(Python3_FOUND)
    # Each is in a network namespace of its own. These compare rates or drive programs that take a
    # whole machine: nobody runs beside them.
    handfast_script_tests(interop interop/*_test)
    set_tests_properties(interop.flood_test interop.goodput_test interop.browsers_test
                         interop.tls_java_test PROPERTIES RUN_SERIAL ON)
    handfast_script_tests(tools tools/*_test)
    handfast_script_tests(packetdrill packetdrill/*_test)
    handfast_script_tests(bogo bogo/*_test)
    if(NOT HANDFAST_SANITIZE)
      handfast_script_tests(package package/*_test TIMEOUT 1200)
    endif()
  endif()
endif()

# packetdrill/: our stack as the shared object that packetdrill loads. Not under sanitizers: its
# loader (RTLD_DEEPBIND) refuses them.
if(PROJECT_IS_TOP_LEVEL AND NOT HANDFAST_SANITIZE)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/packetdrill/*.cpp)
  add_library(handfast_packetdrill MODULE ${sources})
  handfast_link_rooms(handfast_packetdrill io)
  set_target_properties(handfast_packetdrill PROPERTIES
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_link_options(handfast_packetdrill PRIVATE -Wl,-z,defs
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/packetdrill/exports.map)
endif()

# fuzz/<name>_fuzz.cpp: with clang a libFuzzer target; else a program that runs fuzz/corpus/<name>.
handfast_wants(FUZZ)
if(wanted)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.cpp)
  foreach(source IN LISTS fuzzers)
    get_filename_component(target ${source} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" name ${target})
    add_executable(${target} ${source})
    handfast_link_rooms(${target} ${all_rooms})
    set(corpus_arguments ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
    if(HANDFAST_SANITIZE MATCHES "fuzzer")
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      list(PREPEND corpus_arguments -runs=0)
    else()
      target_sources(${target} PRIVATE fuzz/corpus_main.cpp)
    endif()
    if(EXISTS ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
      add_test(NAME fuzz.${name} COMMAND ${target} ${corpus_arguments})
      set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 300)
    endif()
  endforeach()
endif()

# bench/*_bench.cpp: one program.
file(GLOB benchmarks CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*_bench.cpp)
if(benchmarks)
  handfast_wants(BENCH benchmark)
  if(wanted)
    add_executable(handfast_bench ${benchmarks})
    handfast_link_rooms(handfast_bench ${all_rooms})
    set_target_properties(handfast_bench PROPERTIES HANDFAST_LINK_FAST ON)
    target_link_libraries(handfast_bench PRIVATE benchmark::benchmark_main)
    if(TARGET handfast_llhttp)
      target_link_libraries(handfast_bench PRIVATE handfast_llhttp)
    endif()
  endif()
endif()

# bench/peers/: one program that runs us beside lwIP, whose sources scripts/bootstrap fetches.
set(HANDFAST_LWIP_SOURCE ${PROJECT_SOURCE_DIR}/build/sources/lwip CACHE PATH
    "lwIP's sources, for bench-peers")
if(NOT HANDFAST_BENCH STREQUAL "OFF" AND EXISTS ${HANDFAST_LWIP_SOURCE}/src/core/tcp.c)
  add_subdirectory(bench/peers)
endif()

# bench/libssl/: one program that runs our TLS beside libssl.
if(NOT HANDFAST_BENCH STREQUAL "OFF" AND PROJECT_IS_TOP_LEVEL)
  add_subdirectory(bench/libssl EXCLUDE_FROM_ALL)
endif()

# examples/NN_name/: main.cpp against handfast::handfast as a user has it, or its own CMakeLists.
handfast_wants(EXAMPLES)
if(wanted)
  file(GLOB examples CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/[0-9][0-9]_*)
  foreach(directory IN LISTS examples)
    get_filename_component(name ${directory} NAME)
    if(EXISTS ${directory}/CMakeLists.txt)
      add_subdirectory(${directory})
    elseif(EXISTS ${directory}/main.cpp)
      add_executable(${name} ${directory}/main.cpp)
      target_link_libraries(${name} PRIVATE handfast::handfast handfast_compiler)
      set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
      add_test(NAME examples.${name} COMMAND ${name})
      set_tests_properties(examples.${name} PROPERTIES LABELS examples TIMEOUT 120
                           SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
    endif()
  endforeach()
endif()
