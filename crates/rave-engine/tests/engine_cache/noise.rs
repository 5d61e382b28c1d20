//! Files of the cache that are anything at all. Failures print the seed.

use proptest::prelude::*;
use rave_core::Status;
use rave_engine::Mode;

use crate::common::{file, get_kept, key, open};

/// A header that says how long things are, and what comes behind it.
fn almost_an_entry() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0u64..200, Just(u64::MAX), Just(u64::MAX - 88), any::<u64>()];
    let label = prop_oneof![0u32..200, Just(u32::MAX), Just(64 << 10), any::<u32>()];
    let rest = proptest::collection::vec(any::<u8>(), 0..300);
    (prop_oneof![4 => Just(1u32), 1 => any::<u32>()], label, length, rest).prop_map(
        |(version, label, payload, rest)| {
            let numbers = [&version.to_le_bytes()[..], &label.to_le_bytes(), &payload.to_le_bytes()].concat();
            [&b"RAVE\r\n\x1a\0"[..], &numbers, &rest].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// RV-ENG-1402
    #[test]
    fn whatever_the_bytes_they_are_refused_before_anything_of_their_size_is_allocated(
        bytes in prop_oneof![almost_an_entry(), proptest::collection::vec(any::<u8>(), 0..300)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let cache = open(dir.path(), Mode::Strict);
        let path = file(dir.path(), &key(0));
        std::fs::write(&path, &bytes).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let error = get_kept(&cache, &key(0)).unwrap_err();
        prop_assert_eq!(error.status(), Status::ModelLoadFailed, "{}", error);
        prop_assert!(error.to_string().contains(&key(0).hex()), "{}", error);
        prop_assert!(cache.verify().unwrap()[0].problem.is_some());
    }
}
