//! Migrations are embedded: a change of theirs is a change of the program.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/aggregator");
}
