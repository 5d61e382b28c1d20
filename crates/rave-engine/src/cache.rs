//! Models loaded in this process, so that equal ones are loaded once.
//!
//! FFmpeg tears its filter graph down and builds it anew on every change of the stream, so a model must outlive the
//! session that uses it: the last few stay loaded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rave_core::{Result, ValueRange};
use rave_tensorrt::{Precision, SizeRange};
use sha2::{Digest, Sha256};

/// How many models stay loaded, in use or not.
const KEPT: usize = 4;

/// What makes two loads equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) content: [u8; 32],
    threads: usize,
    values: ValueRange,
    runtime_lib: Option<std::path::PathBuf>,
    lean_runtime: Option<std::path::PathBuf>,
    allow_host_code: bool,
    /// What is asked for of an engine that is to be built.
    engine: Option<(Precision, Option<SizeRange>)>,
}

impl Key {
    pub(crate) fn new(bytes: &[u8], options: &crate::ModelOptions) -> Self {
        // RV-ENG-1204
        Key {
            content: Sha256::digest(bytes).into(),
            threads: options.threads,
            values: options.values,
            runtime_lib: options.runtime_lib.clone(),
            lean_runtime: options.lean_runtime.clone(),
            allow_host_code: options.allow_host_code,
            engine: None,
        }
    }

    /// The key of an engine that is built of the content, for these sizes.
    pub(crate) fn of_engine(self, precision: Precision, sizes: Option<SizeRange>) -> Self {
        Key { engine: Some((precision, sizes)), ..self }
    }
}

/// Where one model is, or will be once it is loaded.
type Slot<T> = Arc<Mutex<Option<Arc<T>>>>;

/// The most recently used models, latest last.
pub(crate) struct Cache<T>(Mutex<Vec<(Key, Slot<T>)>>);

impl<T> Cache<T> {
    pub(crate) const fn new() -> Self {
        Cache(Mutex::new(Vec::new()))
    }

    /// The model of `key`, and whether it was loaded already. Of several threads that ask for one key, one loads while
    /// the others wait; other keys are not held up.
    pub(crate) fn get(&self, key: Key, load: impl FnOnce() -> Result<T>) -> Result<(Arc<T>, bool)> {
        let (slot, evicted) = self.slot(&key);
        // Outside of the lock: to free a model takes time.
        drop(evicted);
        let mut model = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*model {
            return Ok((Arc::clone(model), true));
        }
        match load() {
            Ok(loaded) => Ok((Arc::clone(model.insert(Arc::new(loaded))), false)),
            Err(error) => {
                // RV-ENG-1005
                self.kept().retain(|(_, other)| !Arc::ptr_eq(other, &slot));
                Err(error)
            }
        }
    }

    /// Frees the models that nobody uses now, and says how many these were.
    // RV-ENG-1601
    pub(crate) fn free_unused(&self) -> u64 {
        let mut kept = self.kept();
        let (unused, used): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *kept).into_iter().partition(|(_, slot)| {
                // Of a slot that is being loaded somebody else has a clone.
                Arc::strong_count(slot) == 1
                    && slot
                        .try_lock()
                        .is_ok_and(|model| model.as_ref().is_none_or(|model| Arc::strong_count(model) == 1))
            });
        *kept = used;
        drop(kept);
        // Outside of the lock, as above.
        unused.len() as u64
    }

    /// The slot of `key`, now the latest, and the slot that made room for it.
    fn slot(&self, key: &Key) -> (Slot<T>, Option<Slot<T>>) {
        let mut kept = self.kept();
        // RV-ENG-1004
        let known = kept.iter().position(|(other, _)| other == key).map(|index| kept.remove(index));
        let (key, slot) = known.unwrap_or_else(|| (key.clone(), Slot::default()));
        let evicted = (kept.len() == KEPT).then(|| kept.remove(0).1);
        kept.push((key, Arc::clone(&slot)));
        (slot, evicted)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(Key, Slot<T>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelOptions;

    /// RV-ENG-1004
    #[test]
    fn equal_models_are_loaded_once_and_the_least_recent_goes_first() {
        let cache = Cache::new();
        let loads = std::cell::Cell::new(0);
        let get = |content: u8| {
            let key = Key::new(&[content], &ModelOptions::default());
            cache.get(key, || Ok(loads.replace(loads.get() + 1))).unwrap().1
        };
        assert!(!get(1));
        assert!(get(1));
        for other in 2..=KEPT as u8 {
            assert!(!get(other));
        }
        assert!(get(1));
        assert!(!get(100), "2 was used least recently and makes room");
        assert!(get(1));
        assert!(!get(2));
        assert_eq!(loads.get(), KEPT + 2);
    }

    /// RV-ENG-1601
    #[test]
    fn models_that_nobody_uses_can_be_freed() {
        let cache = Cache::new();
        let get =
            |content: u8| cache.get(Key::new(&[content], &ModelOptions::default()), || Ok(content)).unwrap();
        let (used, _) = get(1);
        get(2);
        get(3);
        assert_eq!((cache.free_unused(), cache.free_unused()), (2, 0));
        assert!(get(1).1 && !get(2).1);
        drop(used);
        assert_eq!(cache.free_unused(), 2);
    }

    /// RV-ENG-1005
    #[test]
    fn a_failed_load_is_tried_again() {
        let cache = Cache::<()>::new();
        let key = Key::new(&[1], &ModelOptions::default());
        let failure = rave_core::Error::new(rave_core::Status::ModelLoadFailed, "no");
        assert!(cache.get(key.clone(), || Err(failure)).is_err());
        assert!(!cache.get(key, || Ok(())).unwrap().1);
    }

    /// RV-ENG-1004, RV-ENG-1204
    #[test]
    fn different_options_are_different_models() {
        let default = ModelOptions::default();
        let byte = ModelOptions { values: ValueRange::Byte, ..default.clone() };
        let two = ModelOptions { threads: 2, ..default.clone() };
        let library = ModelOptions { runtime_lib: Some("x".into()), ..default.clone() };
        let lean = ModelOptions { lean_runtime: Some("x".into()), ..default.clone() };
        let host_code = ModelOptions { allow_host_code: true, ..default.clone() };
        for other in [byte, two, library, lean, host_code] {
            assert_ne!(Key::new(&[1], &default), Key::new(&[1], &other));
        }
    }
}
