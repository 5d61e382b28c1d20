//! Everything in a folder, videos and images, through one engine that is loaded once:
//! `cargo run --release --example batch_directory -- FOLDER MODEL OUTPUT_FOLDER`
//!
//! A file that fails is listed at the end, and the others are done.

use std::path::{Path, PathBuf};

use rave::prelude::*;

// RV-RAVE-1004
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [from, model, to] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: batch_directory FOLDER MODEL OUTPUT_FOLDER")?;
    let engine = Engine::load(model, DeviceChoice::Auto, &ModelOptions::default())?;
    std::fs::create_dir_all(&to)?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|file| file.is_file());
    files.sort();

    let mut failed = Vec::new();
    for file in &files {
        match upscale(&engine, file, Path::new(&to)) {
            Ok(summary) => {
                println!("{}: {} frames, {}", file.display(), summary.frames, summary.facts.output_size)
            }
            Err(error) => failed.push((file, error)),
        }
    }
    for (file, error) in &failed {
        println!("failed: {}: {error}", file.display());
    }
    println!("{} of {} done", files.len() - failed.len(), files.len());
    Ok(())
}

fn upscale(engine: &Engine, file: &Path, folder: &Path) -> Result<Summary> {
    let name = file.file_name().unwrap_or_default();
    let output = folder.join(name).to_string_lossy().into_owned();
    // A percent sign in a name is not the place of a number: files are named as they are.
    engine.upscale(file.to_string_lossy()).output(output).run()
}
