//! Processes that want one engine at the same time, and are killed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rave_engine::Mode;
use rave_engine::engine_cache::Origin;

use crate::common::{as_other_process, file, get_kept, key, names, open, other_process};

const PROCESSES: usize = 8;
/// How many rounds; `RAVE_DEEP=1` makes it the second.
const ROUNDS: [usize; 2] = [200, 500];
/// Who is killed in round `n`, and when, follows from the seed `SEED + n`.
const SEED: u64 = 0x5241_5645;
/// At least so many of them live.
const SURVIVORS: usize = 2;
const SIGKILL: i32 = 9;

/// What is built for `model`: large enough that a kill meets it half written.
fn engine(model: u8) -> Vec<u8> {
    (0..1_u32 << 20).map(|index| index.wrapping_mul(u32::from(model) + 1).to_le_bytes()[1]).collect()
}

/// A generator of numbers (xorshift64) whose sequence is that of its seed.
struct Numbers(u64);

impl Numbers {
    fn from_seed(seed: u64) -> Self {
        // Seeds that follow one another give sequences that do not.
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Takes more than five seconds.
/// RV-ENG-1406, RV-ENG-1407
#[test]
fn processes_that_are_killed_leave_whole_engines_and_one_builds_at_a_time() {
    const THIS: &str = "processes::processes_that_are_killed_leave_whole_engines_and_one_builds_at_a_time";
    if let Some(place) = as_other_process() {
        return wants_the_engine(&place);
    }
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("cache");
    let cache = open(&dir, Mode::Strict);
    let rounds = ROUNDS[usize::from(rave_tests::deep())];
    eprintln!("{rounds} rounds; the seed of round n is {SEED} + n");
    let mut killed_in_all = 0;
    for round in 0..rounds {
        let mut numbers = Numbers::from_seed(SEED + round as u64);
        let model = round as u8;
        std::fs::write(place.path().join("model"), [model]).unwrap();
        let start = || {
            let mut command = other_process(THIS, place.path(), "true");
            command.stdout(Stdio::null()).spawn().unwrap()
        };
        let mut running: Vec<Child> = (0..PROCESSES).map(|_| start()).collect();
        let (mut killed, mut done) = (BTreeSet::new(), Vec::new());
        while !running.is_empty() {
            // At every instant, what is there is whole.
            for entry in cache.verify().unwrap() {
                assert_eq!(entry.problem, None, "round {round}");
            }
            std::thread::sleep(Duration::from_micros(numbers.below(3000)));
            if killed.len() < PROCESSES - SURVIVORS && numbers.below(3) == 0 {
                let victim = numbers.below(running.len() as u64) as usize;
                let victim = &mut running[victim];
                if victim.try_wait().unwrap().is_none() {
                    victim.kill().unwrap();
                    killed.insert(victim.id());
                }
            }
            running.retain_mut(|child| {
                let status = child.try_wait().unwrap();
                done.extend(status.map(|status| (child.id(), status)));
                status.is_none()
            });
        }
        for (process, status) in done {
            let as_it_should =
                status.success() || (killed.contains(&process) && status.signal() == Some(SIGKILL));
            assert!(as_it_should, "round {round}: process {process}: {status}");
        }
        // Two held the claim at once only where the first was dying, and its locks went one after the other.
        let overlaps = std::fs::read_to_string(place.path().join("overlaps")).unwrap_or_default();
        for holder in overlaps.lines() {
            assert!(
                killed.contains(&holder.parse().unwrap()),
                "round {round}: {holder} was building as well"
            );
        }
        let _ = std::fs::remove_file(place.path().join("overlaps"));

        let cache = open(&dir, Mode::Strict);
        let (found, origin) = get_kept(&cache, &key(model)).unwrap();
        assert!(found == engine(model) && origin == Origin::Cache, "round {round}");
        assert_eq!(names(&dir), [format!("{}.engine", key(model).hex())], "round {round}");
        std::fs::remove_file(file(&dir, &key(model))).unwrap();
        killed_in_all += killed.len();
    }
    assert!(killed_in_all > rounds, "{killed_in_all} processes were killed in {rounds} rounds");
}

/// What each of the processes does in `place`.
fn wants_the_engine(place: &Path) {
    let model = std::fs::read(place.join("model")).unwrap()[0];
    let cache = open(&place.join("cache"), Mode::Strict);
    let (found, _) = cache
        .get_or_build(&key(model), &|| false, || {
            let claim = claim(place);
            std::thread::sleep(Duration::from_millis(5)); // an instant to be killed in
            let engine = engine(model);
            drop(claim);
            Ok(engine)
        })
        .unwrap();
    assert!(found == engine(model));
}

/// Claims to be the only builder. Where another is, it is noted who: the process that had the claim until this one.
fn claim(place: &Path) -> File {
    let mut claim = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(place.join("claim"))
        .unwrap();
    if claim.try_lock().is_err() {
        claim.lock().unwrap();
        let mut holder = String::new();
        claim.read_to_string(&mut holder).unwrap();
        let overlaps = File::options().create(true).append(true).open(place.join("overlaps"));
        writeln!(overlaps.unwrap(), "{holder}").unwrap();
    }
    claim.rewind().unwrap();
    claim.set_len(0).unwrap();
    write!(claim, "{}", std::process::id()).unwrap();
    claim
}
