//! The command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
checkkernel: compares every pixel kernel with the CPU reference, on a GPU

usage: checkkernel [options]
  --quick        few small cases, for compute-sanitizer
  --bench        also measure each kernel and a device-to-device copy
  --bench-only   measure, compare nothing
  --only NAME    formats and suites whose name contains NAME
  --seed N       seed of the cases (default 1)
  --case N       only case N of the seed
  --device N     GPU number (default 0)
  --json FILE    write a report
  --lose-device  only show that an illegal address is reported as a lost device, by every call from then on

Without a GPU it says so and succeeds, or fails if RAVE_REQUIRE_GPU=1.";

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) check: bool,
    pub(crate) bench: bool,
    pub(crate) only: Option<String>,
    pub(crate) seed: u64,
    pub(crate) case: Option<u64>,
    pub(crate) device: u32,
    pub(crate) json: Option<PathBuf>,
    pub(crate) lose_device: bool,
}

impl Options {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            quick: false,
            check: true,
            bench: false,
            only: None,
            seed: 1,
            case: None,
            device: 0,
            json: None,
            lose_device: false,
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            let number = |text: String| text.parse::<u64>().map_err(|_| format!("`{text}` is not a number"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--bench" => options.bench = true,
                "--bench-only" => (options.bench, options.check) = (true, false),
                "--only" => options.only = Some(value()?),
                "--seed" => options.seed = number(value()?)?,
                "--case" => options.case = Some(number(value()?)?),
                "--device" => {
                    options.device = u32::try_from(number(value()?)?).map_err(|_| "no such device")?;
                }
                "--lose-device" => options.lose_device = true,
                "--json" => options.json = Some(value()?.into()),
                other => return Err(format!("unknown option `{other}`")),
            }
        }
        Ok(options)
    }
}
