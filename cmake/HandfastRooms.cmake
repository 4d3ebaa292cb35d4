# Reads src/ROOMS and builds each room as an OBJECT library that sees the third parties its line
# allows. A test of a room links that room and those below it only, so a room that calls upwards
# does not link. All rooms but cli make the library `handfast`; cli makes the command.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/ROOMS)
file(STRINGS ${PROJECT_SOURCE_DIR}/src/ROOMS room_lines REGEX "^[a-z]")

# `#include <handfast/tcp/connection.hpp>` from the source tree too.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/include/handfast SYMBOLIC)

# handfast_add_room(name may_include third_parties sources): sets room_closure_<name>, the rooms
# it stands on and itself, and in room_targets_<name> what a program links to use all of them.
function(handfast_add_room room may_include third_parties sources)
  set(closure ${room})
  foreach(below IN LISTS may_include)
    list(APPEND closure ${room_closure_${below}})
  endforeach()
  list(REMOVE_DUPLICATES closure)
  set(room_closure_${room} ${closure} PARENT_SCOPE)
  if(NOT sources)
    return()  # headers only, or not there yet
  endif()

  add_library(handfast_room_${room} OBJECT ${sources})
  target_link_libraries(handfast_room_${room} PRIVATE handfast_compiler)
  target_include_directories(handfast_room_${room} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  set_target_properties(handfast_room_${room} PROPERTIES
    CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  foreach(root IN LISTS third_parties)
    handfast_third_party(${root} target)
    target_link_libraries(handfast_room_${room} PRIVATE ${target})
    set_property(GLOBAL APPEND PROPERTY handfast_third_party_targets ${target})
  endforeach()
endfunction()

# A segment passes through small functions of many files: inlined across them, the packet rooms do a
# tenth more. Their objects hold ordinary code too, by which tests link as quickly as without;
# a program with HANDFAST_LINK_FAST takes the time.
option(HANDFAST_LTO "Optimise the packet rooms across files, where GCC builds them"
       ${PROJECT_IS_TOP_LEVEL})
set(lto_compile "")
if(HANDFAST_LTO AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT HANDFAST_SANITIZE)
  set(lto_compile -flto=auto -ffat-lto-objects)
endif()

option(BUILD_SHARED_LIBS "Build libhandfast as a shared library" OFF)
set(library_rooms "")
foreach(line IN LISTS room_lines)
  string(REPLACE "|" ";" fields "${line}")
  list(TRANSFORM fields STRIP)
  list(GET fields 0 room)
  list(GET fields 2 may_include)
  list(GET fields 3 third_parties)
  separate_arguments(may_include)
  separate_arguments(third_parties)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*.cpp
                                      ${PROJECT_SOURCE_DIR}/src/${room}/*/*.cpp)
  if(room STREQUAL "cli")
    if(HANDFAST_CLI STREQUAL "OFF")
      continue()
    endif()
    list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/src/cli/main.cpp)
  else()
    list(APPEND library_rooms ${room})
  endif()
  handfast_add_room(${room} "${may_include}" "${third_parties}" "${sources}")
  if(room MATCHES "^(base|wire|tcp|host)$")
    # Where each packet passes, inlining is worth more than small code.
    target_compile_options(handfast_room_${room} PRIVATE
      $<$<CONFIG:RelWithDebInfo,Release>:-O3 ${lto_compile}>)
  endif()
  list(APPEND all_rooms ${room})
endforeach()

# handfast_link_rooms(target rooms...): the objects of these rooms and of all below them.
function(handfast_link_rooms target)
  set(closure "")
  foreach(room IN LISTS ARGN)
    list(APPEND closure ${room_closure_${room}})
  endforeach()
  list(REMOVE_DUPLICATES closure)
  foreach(room IN LISTS closure)
    if(TARGET handfast_room_${room})
      target_link_libraries(${target} PRIVATE handfast_room_${room})
    endif()
  endforeach()
  get_property(third_parties GLOBAL PROPERTY handfast_third_party_targets)
  list(REMOVE_DUPLICATES third_parties)
  target_link_libraries(${target} PRIVATE handfast_compiler ${third_parties} Threads::Threads)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src
                                               ${PROJECT_BINARY_DIR}/include)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(lto_compile)
    set(fast $<AND:$<BOOL:$<TARGET_PROPERTY:HANDFAST_LINK_FAST>>,$<CONFIG:RelWithDebInfo,Release>>)
    target_link_options(${target} PRIVATE $<IF:${fast},-O3;-flto=auto,-fno-lto>)
  endif()
endfunction()

add_library(handfast)
add_library(handfast::handfast ALIAS handfast)
set_target_properties(handfast PROPERTIES
  CXX_EXTENSIONS OFF VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
foreach(room IN LISTS library_rooms)
  if(TARGET handfast_room_${room})
    target_sources(handfast PRIVATE $<TARGET_OBJECTS:handfast_room_${room}>)
  endif()
endforeach()
set_target_properties(handfast PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(handfast PUBLIC cxx_std_23)
target_include_directories(handfast PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
  $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(handfast PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:handfast_compiler>)
if(lto_compile AND BUILD_SHARED_LIBS)
  target_link_options(handfast PRIVATE -O3 -flto=auto)
elseif(lto_compile)
  # What another version of GCC could not read must not be in an archive that is installed.
  add_custom_command(TARGET handfast POST_BUILD VERBATIM COMMAND ${CMAKE_OBJCOPY}
    -R .gnu.lto_* -R .gnu.debuglto_* -N __gnu_lto_v1 $<TARGET_FILE:handfast>)
endif()
if(HANDFAST_SANITIZE)
  target_link_options(handfast INTERFACE $<BUILD_INTERFACE:-fsanitize=${link_sanitize}>)
endif()

# Our headers may show third parties' types, so who includes them needs those too.
get_property(third_parties GLOBAL PROPERTY handfast_third_party_targets)
list(REMOVE_DUPLICATES third_parties)
list(REMOVE_ITEM third_parties CLI11::CLI11)
foreach(target IN LISTS third_parties)
  if(target STREQUAL "handfast_asio")
    target_link_libraries(handfast PUBLIC $<BUILD_INTERFACE:handfast_asio>)
    target_compile_definitions(handfast INTERFACE
      $<INSTALL_INTERFACE:ASIO_STANDALONE> $<INSTALL_INTERFACE:ASIO_NO_DEPRECATED>)
  else()
    target_link_libraries(handfast PUBLIC ${target})
  endif()
endforeach()

if(NOT HANDFAST_CLI STREQUAL "OFF" AND EXISTS ${PROJECT_SOURCE_DIR}/src/cli/main.cpp)
  add_executable(handfast-cli src/cli/main.cpp)
  set_target_properties(handfast-cli PROPERTIES OUTPUT_NAME handfast HANDFAST_LINK_FAST ON)
  handfast_link_rooms(handfast-cli cli)
  target_compile_definitions(handfast-cli PRIVATE HANDFAST_VERSION="${PROJECT_VERSION}")
  if(TARGET handfast_room_cli)
    target_compile_definitions(handfast_room_cli PRIVATE HANDFAST_VERSION="${PROJECT_VERSION}")
  endif()
endif()

# The room order fails a build of everything, not only a later check.
find_package(Python3 COMPONENTS Interpreter)
if(PROJECT_IS_TOP_LEVEL AND Python3_FOUND)
  file(GLOB_RECURSE room_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.hpp
                                                 ${PROJECT_SOURCE_DIR}/src/*.cpp)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/rooms.stamp
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/tidy --rooms
    COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_BINARY_DIR}/rooms.stamp
    DEPENDS ${room_files} ${PROJECT_SOURCE_DIR}/src/ROOMS ${PROJECT_SOURCE_DIR}/tools/tidy
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} COMMENT "Checking the order of the rooms" VERBATIM)
  add_custom_target(handfast_rooms ALL DEPENDS ${PROJECT_BINARY_DIR}/rooms.stamp)
endif()
