//! A video through a model: `cargo run --release --example simple_upscale -- IN MODEL OUT`

use rave::prelude::*;

// RV-RAVE-1003, RV-RAVE-1004
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, model, output] = &arguments[..] else { panic!("usage: simple_upscale IN MODEL OUT") };
    let done = Upscale::new(input, model).output(output).run()?;
    println!(
        "{input} ({}) -> {output} ({}), {} frames",
        done.facts.input_size, done.facts.output_size, done.frames
    );
    Ok(())
}
