#!/usr/bin/env bash
# The library as its users get it: installed to a fresh prefix, then found by find_package and by
# pkg-config; and taken from its source folder by FetchContent. Each builds and runs a consumer.
# The environment names the build directory (HANDFAST_BUILD) and the cmake that made it (CMAKE).
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
expected=2001:db8::1

runs() { # what, program
  local said
  said=$("$2")
  if [ "$said" != "$expected" ]; then
    echo "$1: the consumer said '$said', not '$expected'"
    exit 1
  fi
  echo "$1: builds and runs"
}

"$CMAKE" --install "$HANDFAST_BUILD" --prefix "$prefix" >"$scratch/install.log"
if grep -rnE '#include "(base|wire|trace|tcp|host|crypto|tls|http|link|io|sim)/' "$prefix/include"; then
  echo 'an installed header includes a room without handfast/ before it'
  exit 1
fi
if [ -x "$prefix/bin/handfast" ]; then "$prefix/bin/handfast" --version; fi

# Each public header stands alone for a user who has only the installed tree.
(cd "$prefix/include" && find handfast -name '*.hpp' | sort | sed 's/.*/#include <&>/') \
  >"$scratch/all.cpp"
config=$(find "$prefix" -name handfast.pc -printf '%h')
export PKG_CONFIG_PATH=$config
read -ra cflags < <(pkg-config --cflags handfast)
g++ -std=c++23 -fsyntax-only "${cflags[@]}" "$scratch/all.cpp"
echo "headers: $(wc -l <"$scratch/all.cpp") compile"

consumer() { # folder, cmake arguments
  local folder=$1
  shift
  "$CMAKE" -G Ninja -S "$source/examples/installed/$folder" -B "$scratch/$folder" \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo "$@" >"$scratch/$folder.log" 2>&1 &&
    "$CMAKE" --build "$scratch/$folder" >>"$scratch/$folder.log" 2>&1 || {
      tail -n 40 "$scratch/$folder.log"
      exit 1
    }
  runs "$folder" "$scratch/$folder/consumer"
}
consumer find_package -DCMAKE_PREFIX_PATH="$prefix"
# Compiled as the build at hand was, so that ccache has every object already.
consumer fetch_content -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" \
  -DHANDFAST_WERROR=ON -DHANDFAST_LTO=ON -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -g1 -DNDEBUG"

# pkg-config, from a tree that has been moved since.
mv "$prefix" "$scratch/moved"
export PKG_CONFIG_PATH=${config/$prefix/$scratch/moved}
cp -r "$source/examples/installed/pkg_config" "$source/examples/installed/main.cpp" "$scratch/"
make -s -C "$scratch/pkg_config" >"$scratch/pkg_config.log" 2>&1 || {
  cat "$scratch/pkg_config.log"
  exit 1
}
runs pkg_config "$scratch/pkg_config/consumer"
