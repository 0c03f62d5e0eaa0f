//! The committed table of registers and shared memory agrees with the committed machine code, and
//! no kernel spills registers.

use std::collections::BTreeMap;

use gpu_kernels::fold_rows;
use gpu_kernels::kernels::Kernel;
use gpu_kernels::shapes::TEAM_WORDS;

static CUBIN: &[u8] = include_bytes!("../prebuilt/kernels.sm_90.cubin");

/// Registers and bytes of declared shared memory.
type Resources = (u32, u32);

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

/// The sections of a 64-bit little-endian ELF file by name.
fn sections(file: &[u8]) -> BTreeMap<&str, &[u8]> {
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "64 bits, little-endian");
    let (start, size, count) =
        (number(&file[0x28..0x30]), number(&file[0x3a..0x3c]), number(&file[0x3c..0x3e]));
    let names_index = number(&file[0x3e..0x40]);
    let header = |index: usize| &file[start + index * size..][..size];
    let content = |header: &[u8]| {
        // Sections of type NOBITS have a size and no bytes in the file.
        let (offset, length) = (number(&header[0x18..0x20]), number(&header[0x20..0x28]));
        if number(&header[4..8]) == 8 { vec![0; length].leak() } else { &file[offset..][..length] }
    };
    let names = content(header(names_index));
    let name = |header: &[u8]| string(names, number(&header[..4]));
    (0..count).map(|index| (name(header(index)), content(header(index)))).collect()
}

fn string(table: &[u8], start: usize) -> &str {
    let bytes = &table[start..];
    let end = bytes.iter().position(|&byte| byte == 0).expect("a terminated name");
    std::str::from_utf8(&bytes[..end]).expect("a name in ASCII")
}

/// The resources that the machine code declares: attribute 0x2f of `.nv.info` is (symbol,
/// registers).
fn declared() -> BTreeMap<String, Resources> {
    let sections = sections(CUBIN);
    let (symbols, names) = (sections[".symtab"], sections[".strtab"]);
    let records = sections[".nv.info"].chunks(12).filter(|record| record[..2] == [4, 0x2f]);
    let resources = records.map(|record| {
        let symbol = &symbols[number(&record[4..8]) * 24..][..24];
        let name = string(names, number(&symbol[..4]));
        // Capability 9.0 reserves a kibibyte of a block's shared memory.
        let shared = sections[format!(".nv.shared.{name}").as_str()].len() - 1024;
        (name.to_owned(), (number(&record[8..12]) as u32, shared as u32))
    });
    resources.collect()
}

/// Rows of the table: registers, stack, spills and declared shared memory of a kernel. The later
/// columns count instructions.
fn committed() -> Vec<(String, [u32; 4])> {
    let table = include_str!("../prebuilt/resources.tsv");
    let row = |line: &str| {
        let mut fields = line.split('\t');
        let name = fields.next().expect("a name").to_owned();
        let numbers: Vec<u32> = fields.take(4).map(|field| field.parse().expect("a number")).collect();
        (name, numbers.try_into().expect("four numbers"))
    };
    table.lines().skip(1).map(row).collect()
}

#[test]
fn the_table_is_that_of_the_machine_code() {
    let found: BTreeMap<String, Resources> = committed()
        .into_iter()
        .map(|(name, [registers, _, _, shared])| (name, (registers, shared)))
        .collect();
    assert_eq!(found.len(), Kernel::ALL.len());
    assert!(Kernel::ALL.iter().all(|kernel| found.contains_key(kernel.name())));
    assert_eq!(found, declared());
}

#[test]
fn no_kernel_spills_and_two_blocks_of_teams_fit_on_a_multiprocessor() {
    for (name, [registers, _, spills, declared]) in committed() {
        assert_eq!(spills, 0, "{name}");
        assert!(registers <= 128, "{name}: two blocks of 256 threads share 65536 registers");
        let chosen = if name == "fold_rows" { fold_rows::SHARED_WORDS } else { TEAM_WORDS };
        // Capability 9.0 has 228 KiB, of which it reserves one for each block.
        let shared = declared + chosen * 8 + 1024;
        assert!(2 * shared <= 228 << 10, "{name}: {shared} bytes of shared memory");
    }
}
