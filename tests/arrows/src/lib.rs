//! Compares the workspace's dependencies with the arrows drawn in `ARCHITECTURE.md`. See `tests/arrows.rs`.
