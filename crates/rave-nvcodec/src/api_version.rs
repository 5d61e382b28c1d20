//! Versions of the encoder's interface, and the drivers that brought them.

use std::fmt;

/// A version of NVIDIA's encoder interface (NVENCAPI), such as 12.1. A driver has all up to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
}

/// The oldest Linux driver with each version, by the release notes of the Video Codec SDK.
const DRIVERS: [(ApiVersion, &str); 4] = [
    (ApiVersion::new(12, 0), "520.56.06"),
    (ApiVersion::new(12, 1), "530.41.03"),
    (ApiVersion::new(12, 2), "550.54.14"),
    (ApiVersion::new(13, 0), "570.0"),
];

impl ApiVersion {
    /// The oldest interface that RAVE speaks. Drivers for CUDA 12.0, the oldest that RAVE runs on, have it.
    pub const OLDEST: ApiVersion = ApiVersion::new(12, 0);
    /// The interface that `scripts/build-ffmpeg.sh` builds FFmpeg's encoders for, by the nv-codec-headers that it pins. They
    /// refuse a driver with an older one.
    pub const FFMPEG: ApiVersion = ApiVersion::new(12, 1);
    /// The newest interface that RAVE speaks; with a newer driver it speaks this one.
    pub const NEWEST: ApiVersion = ApiVersion::new(13, 0);
    /// The first interface that knows 4:2:2.
    pub const WITH_YUV422: ApiVersion = ApiVersion::new(13, 0);

    /// The version `major.minor`.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        ApiVersion { major, minor }
    }

    /// The oldest Linux driver that has this version, where RAVE knows it.
    #[must_use]
    pub fn driver(self) -> Option<&'static str> {
        DRIVERS.iter().find(|(version, _)| *version == self).map(|(_, driver)| *driver)
    }

    /// What to install to have this version.
    pub(crate) fn how_to_get(self) -> String {
        match self.driver() {
            Some(driver) => format!("install NVIDIA driver {driver} or newer"),
            None => "install a newer NVIDIA driver".into(),
        }
    }

    /// By what `NvEncodeAPIGetMaxSupportedVersion` returns.
    pub(crate) const fn from_maximum(number: u32) -> Self {
        ApiVersion::new(number >> 4, number & 0xf)
    }

    /// `NVENCAPI_VERSION` of this interface.
    pub(crate) const fn number(self) -> u32 {
        self.major | self.minor << 24
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-NVC-1206
    #[test]
    fn ffmpegs_interface_is_that_of_the_headers_that_the_scripts_pin() {
        let pinned = include_str!("../../../scripts/lib/versions.sh")
            .lines()
            .find_map(|line| line.strip_prefix("NV_CODEC_HEADERS_RELEASE="))
            .unwrap();
        assert!(pinned.starts_with(&format!("{}.", ApiVersion::FFMPEG)), "{pinned}");
    }
}
