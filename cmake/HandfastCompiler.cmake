# handfast_compiler: what every target of ours is compiled with, and nobody else's.
add_library(handfast_compiler INTERFACE)
target_compile_features(handfast_compiler INTERFACE cxx_std_23)
target_compile_options(handfast_compiler INTERFACE
  # Rooms are position-independent for the shared objects; nobody replaces our functions one by one.
  -fno-semantic-interposition
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wswitch
  # ASSERT names src/tcp/x.cpp, wherever the tree stands: builds are the same everywhere.
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)

if(HANDFAST_WERROR)
  target_compile_options(handfast_compiler INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC takes a coroutine frame's own operators new and delete for strangers where it has inlined
  # one of them (GCC bug 109224). AddressSanitizer checks the pairs as the program runs.
  target_compile_options(handfast_compiler INTERFACE -Wno-mismatched-new-delete)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 warns of overlaps inside std::string's own operator+ (GCC bug 105651).
    target_compile_options(handfast_compiler INTERFACE -Wno-restrict)
  endif()
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # GCC clears small objects by `rep stos`, whose start alone takes as long as some segments.
  target_compile_options(handfast_compiler INTERFACE
    -mmemset-strategy=vector_loop:512:noalign,libcall:-1:noalign)
endif()

if(HANDFAST_SANITIZE)
  target_compile_options(handfast_compiler INTERFACE
    -fsanitize=${HANDFAST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # libFuzzer's "fuzzer-no-link" instruments only; each fuzz target links its driver itself.
  string(REPLACE "fuzzer-no-link," "" link_sanitize "${HANDFAST_SANITIZE}")
  target_link_options(handfast_compiler INTERFACE -fsanitize=${link_sanitize})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumented code takes paths that GCC's flow analysis cannot follow.
    target_compile_options(handfast_compiler INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
