//! The kernels' text as one file, for a compiler that has no folders to look in.

use std::collections::BTreeSet;

macro_rules! files {
    ($($path:literal,)*) => {
        &[$(($path, include_str!(concat!("../", $path))),)*]
    };
}

/// Every file by its path below `src`.
static FILES: &[(&str, &str)] = files![
    "kernels.cu",
    "include/words.cuh",
    "include/field.cuh",
    "include/ntt.cuh",
    "include/chacha8.cuh",
    "include/expand.cuh",
    "include/packing.cuh",
    "include/reduction.cuh",
    "forward/kernel.cu",
    "inverse/kernel.cu",
    "add_packed/kernel.cu",
    "inner_product/kernel.cu",
    "unmask/kernel.cu",
    "adjoint_accumulate/kernel.cu",
    "fold_rows/kernel.cu",
    "add_partial_sums/kernel.cu",
    "probe/kernel.cu",
];

/// `kernels.cu` with the text of every file that it includes. Each file stands once, where it is
/// first included.
pub(super) fn unit() -> String {
    let mut text = String::new();
    include("kernels.cu", &mut BTreeSet::new(), &mut text);
    text
}

fn include(path: &str, seen: &mut BTreeSet<String>, text: &mut String) {
    if !seen.insert(path.to_owned()) {
        return;
    }
    let file =
        FILES.iter().find(|(name, _)| *name == path).expect("FILES has every file that another includes");
    for line in file.1.lines() {
        match line.strip_prefix("#include \"").and_then(|rest| rest.strip_suffix('"')) {
            Some(target) => include(&resolve(path, target), seen, text),
            None if line == "#pragma once" => {}
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
}

/// Resolves the relative path `target` in the folder of `path`.
fn resolve(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernel;

    #[test]
    fn every_file_is_included_once() {
        let unit = unit();
        assert!(!unit.contains("#include") && !unit.contains("#pragma once"));
        for kernel in Kernel::ALL {
            assert_eq!(
                unit.matches(&format!("    {}(", kernel.name())).count()
                    + unit.matches(&format!(" void {}(", kernel.name())).count(),
                1,
                "{}",
                kernel.name()
            );
        }
        for (path, text) in FILES {
            let first = text.lines().find(|line| !line.starts_with('#')).unwrap();
            assert_eq!(unit.matches(first).count(), 1, "{path}");
        }
    }
}
