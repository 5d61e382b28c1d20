//! The commands scrub, repair and protect.

use std::path::{Path, PathBuf};

use rave_conformance::durability;
use rave_core::Result;

/// The repository that this was built in.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The files that were named, or all.
fn chosen(files: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if files.is_empty() { durability::protected(root()) } else { Ok(files.to_vec()) }
}

fn short(file: &Path) -> std::path::Display<'_> {
    file.strip_prefix(root()).unwrap_or(file).display()
}

/// Whether all are good.
pub(crate) fn scrub(files: &[PathBuf]) -> Result<bool> {
    let mut bad = 0;
    let files = chosen(files)?;
    for file in &files {
        match durability::scrub(file) {
            Ok(health) if health.is_good() => continue,
            Ok(health) => println!("DAMAGED {}: {health}", short(file)),
            Err(error) => println!("DAMAGED {}: {error}", short(file)),
        }
        bad += 1;
    }
    println!("{} files with sidecars, {bad} damaged", files.len());
    if bad > 0 {
        println!(
            "Where the change is meant: scripts/bless.sh sidecars. Where it is rot: cargo run -p rave-conformance -- \
             repair FILE, then compare with git."
        );
    }
    Ok(bad == 0)
}

/// Whether all are good now.
pub(crate) fn repair(files: &[PathBuf]) -> Result<bool> {
    let mut all = true;
    for file in files {
        match durability::repair(file) {
            Ok(true) => println!("repaired {}", short(file)),
            Ok(false) => println!("good     {}", short(file)),
            Err(error) => {
                println!("REFUSED  {}: {error}", short(file));
                all = false;
            }
        }
    }
    Ok(all)
}

/// Makes sidecars, and says which are new or others than before.
pub(crate) fn protect(files: &[PathBuf]) -> Result<bool> {
    for file in chosen(files)? {
        if durability::protect(&file)? {
            println!("renewed {}.fec", short(&file));
        }
    }
    Ok(true)
}
