//! One encode session, opened to ask questions and closed by being dropped.

use std::ffi::{CStr, c_void};

use rave_core::{Error, Result, Status};

use crate::ApiVersion;
use crate::sys::nvenc::{
    DestroyEncoder, GUID, GetEncodeCaps, GetEncodeGUIDCount, GetEncodeGUIDs, GetEncodeProfileGUIDCount,
    GetEncodeProfileGUIDs, GetLastErrorString, NV_ENC_CAPS, NV_ENC_CAPS_PARAM,
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, NV_ENCODE_API_FUNCTION_LIST, NVENCSTATUS, OpenEncodeSessionEx,
    struct_version,
};

/// The functions that are called, all there, of the interface `api`.
#[derive(Debug)]
pub(crate) struct Functions {
    pub(crate) api: ApiVersion,
    open: OpenEncodeSessionEx,
    destroy: DestroyEncoder,
    codec_count: GetEncodeGUIDCount,
    codecs: GetEncodeGUIDs,
    profile_count: GetEncodeProfileGUIDCount,
    profiles: GetEncodeProfileGUIDs,
    caps: GetEncodeCaps,
    last_error: GetLastErrorString,
}

impl Functions {
    /// Those of a list that the driver filled in; `None` if it left one out.
    pub(crate) fn of(list: &NV_ENCODE_API_FUNCTION_LIST, api: ApiVersion) -> Option<Functions> {
        Some(Functions {
            api,
            open: list.nvEncOpenEncodeSessionEx?,
            destroy: list.nvEncDestroyEncoder?,
            codec_count: list.nvEncGetEncodeGUIDCount?,
            codecs: list.nvEncGetEncodeGUIDs?,
            profile_count: list.nvEncGetEncodeProfileGUIDCount?,
            profiles: list.nvEncGetEncodeProfileGUIDs?,
            caps: list.nvEncGetEncodeCaps?,
            last_error: list.nvEncGetLastErrorString?,
        })
    }
}

/// Why there is no session.
pub(crate) enum OpenError {
    /// The GPU has no encoder; the driver's answer.
    NoNvenc(String),
    Failed(Error),
}

/// An open session. `handle` is the driver's, until `drop`.
pub(crate) struct Session<'a> {
    gpu: &'a str,
    functions: &'a Functions,
    handle: *mut c_void,
}

impl<'a> Session<'a> {
    /// # Safety
    /// `context` is a live CUcontext, and stays so as long as the session.
    pub(crate) unsafe fn open(
        gpu: &'a str,
        functions: &'a Functions,
        context: *mut c_void,
    ) -> Result<Self, OpenError> {
        let api = functions.api.number();
        let mut params = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
            version: struct_version(api, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS::REVISION),
            deviceType: NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS::DEVICE_TYPE_CUDA,
            device: context,
            reserved: std::ptr::null_mut(),
            apiVersion: api,
            reserved1: [0; 253],
            reserved2: [std::ptr::null_mut(); 64],
        };
        let mut handle = std::ptr::null_mut();
        // SAFETY: the params are live, of the layout that their version names, with the reserved parts zero, and name a
        // live context by this function's own precondition; handle is a live pointer.
        let status = unsafe { (functions.open)(&mut params, &mut handle) };
        // nvEncodeAPI.h wants what a failed open left behind destroyed as well.
        let session = (!handle.is_null()).then(|| Session { gpu, functions, handle });
        match (status, session) {
            (NVENCSTATUS::SUCCESS, Some(session)) => Ok(session),
            // RV-NVC-1103
            (NVENCSTATUS::NO_ENCODE_DEVICE | NVENCSTATUS::UNSUPPORTED_DEVICE, _) => {
                Err(OpenError::NoNvenc(describe(status)))
            }
            (status, _) => Err(OpenError::Failed(failure(gpu, "NvEncOpenEncodeSessionEx", status, ""))),
        }
    }

    /// The codecs that the session offers.
    pub(crate) fn codecs(&self) -> Result<Vec<GUID>> {
        self.guids(
            "NvEncGetEncodeGUIDs",
            // SAFETY: the handle is an open session's; count is live.
            |count| unsafe { (self.functions.codec_count)(self.handle, count) },
            // SAFETY: the handle is an open session's; `guids` has room for `room`, count is live.
            |guids, room, count| unsafe { (self.functions.codecs)(self.handle, guids, room, count) },
        )
    }

    /// The profiles of a codec that the session offers.
    pub(crate) fn profiles(&self, codec: GUID) -> Result<Vec<GUID>> {
        self.guids(
            "NvEncGetEncodeProfileGUIDs",
            // SAFETY: the handle is an open session's; count is live.
            |count| unsafe { (self.functions.profile_count)(self.handle, codec, count) },
            // SAFETY: the handle is an open session's; `guids` has room for `room`, count is live.
            |guids, room, count| unsafe { (self.functions.profiles)(self.handle, codec, guids, room, count) },
        )
    }

    /// A list that is counted first.
    fn guids(
        &self,
        call: &str,
        count: impl Fn(&mut u32) -> NVENCSTATUS,
        list: impl Fn(*mut GUID, u32, &mut u32) -> NVENCSTATUS,
    ) -> Result<Vec<GUID>> {
        let mut room = 0;
        self.check(call, count(&mut room))?;
        let mut guids = vec![GUID::default(); room as usize];
        let mut written = 0;
        self.check(call, list(guids.as_mut_ptr(), room, &mut written))?;
        guids.truncate(written as usize);
        Ok(guids)
    }

    /// The answer to a question about a codec; `None` if the driver has none, or one that is no size or number.
    pub(crate) fn cap(&self, codec: GUID, question: NV_ENC_CAPS) -> Result<Option<u32>> {
        let mut param = NV_ENC_CAPS_PARAM {
            version: struct_version(self.functions.api.number(), NV_ENC_CAPS_PARAM::REVISION),
            capsToQuery: question,
            reserved: [0; 62],
        };
        let mut answer = 0;
        // SAFETY: the handle is an open session's; the param is live, of the layout that its version names, with the
        // reserved part zero; answer is live.
        let status = unsafe { (self.functions.caps)(self.handle, codec, &mut param, &mut answer) };
        // RV-NVC-1102
        if let NVENCSTATUS::INVALID_PARAM | NVENCSTATUS::UNSUPPORTED_PARAM | NVENCSTATUS::UNIMPLEMENTED =
            status
        {
            return Ok(None);
        }
        self.check("NvEncGetEncodeCaps", status)?;
        Ok(u32::try_from(answer).ok())
    }

    fn check(&self, call: &str, status: NVENCSTATUS) -> Result<()> {
        if status == NVENCSTATUS::SUCCESS {
            return Ok(());
        }
        // SAFETY: the handle is an open session's.
        let text = unsafe { (self.functions.last_error)(self.handle) };
        let details = if text.is_null() {
            String::new()
        } else {
            // SAFETY: the driver's string is NUL-terminated and lives until the next call on the session.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        };
        Err(failure(self.gpu, call, status, &details))
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // RV-NVC-1104
        // SAFETY: the handle came from the driver in `open`, and nothing uses it after this. Its answer could only be
        // that the session is gone already.
        unsafe { (self.functions.destroy)(self.handle) };
    }
}

/// The name and number of a status.
fn describe(status: NVENCSTATUS) -> String {
    match NVENCSTATUS::NAMES.get(status.0 as usize) {
        Some(name) => format!("{name} ({})", status.0),
        None => format!("NVENCSTATUS {}", status.0),
    }
}

/// The error of a call that failed with `status`, of which the driver says `details`.
pub(crate) fn failure(gpu: &str, call: &str, status: NVENCSTATUS, details: &str) -> Error {
    let mut found = format!("NVENC of {gpu}: {call} failed: {}", describe(status));
    if !details.is_empty() {
        found = format!("{found}: {details}");
    }
    match status {
        // What a driver answers when a GPU's or a licence's number of sessions is used up.
        NVENCSTATUS::INCOMPATIBLE_CLIENT_KEY | NVENCSTATUS::OUT_OF_MEMORY => Error::new(Status::Busy, found)
            .help("end other programs that encode on this GPU: the driver limits their number"),
        NVENCSTATUS::INVALID_VERSION => Error::new(Status::RuntimeLibraryMissing, found)
            .help("install one driver: libcuda.so.1 and libnvidia-encode.so.1 may be of different ones"),
        NVENCSTATUS::DEVICE_NOT_EXIST => Error::new(Status::DeviceLost, found).help("restart the process"),
        _ => Error::new(Status::InvalidDevice, found),
    }
}
