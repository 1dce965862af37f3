//! The frames of HTTP/2 as they pass: where one ends, whether a block of
//! headers is open, and frames that nothing explains, which are a flood.
//!
//! hyper answers every PING and every SETTINGS and has no limit for them
//! (CVE-2019-9512, CVE-2019-9515), so they are counted here.

use std::time::Instant;

/// What a client sends before its first frame (RFC 9113 §3.4).
const PREFACE_BYTES: usize = 24;

/// The head of a frame (RFC 9113 §4.1).
const HEAD_BYTES: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const CONTINUATION: u8 = 0x9;

const FLAG_ACK: u8 = 0x1;
const FLAG_END_HEADERS: u8 = 0x4;

/// The error code for a peer that asks too much (RFC 9113 §7).
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// The reason that gRPC knows for a flood of pings.
const FLOOD_REASON: &[u8] = b"too_many_pings";

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FrameHead {
    length: u32,
    kind: u8,
    flags: u8,
}

/// Finds the heads of frames in a stream of bytes.
#[derive(Debug)]
struct FrameScanner {
    /// Bytes to pass over before the next head.
    skipped: usize,
    head: [u8; HEAD_BYTES],
    known: usize,
}

impl FrameScanner {
    fn new(skipped: usize) -> Self {
        Self { skipped, head: [0; HEAD_BYTES], known: 0 }
    }

    fn scan(&mut self, mut bytes: &[u8], mut each: impl FnMut(FrameHead)) {
        loop {
            let passed = self.skipped.min(bytes.len());
            self.skipped -= passed;
            bytes = bytes.get(passed..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
            let taken = (HEAD_BYTES - self.known).min(bytes.len());
            let (taken_bytes, rest) = bytes.split_at_checked(taken).unwrap_or_default();
            if let Some(to) = self.head.get_mut(self.known..self.known + taken) {
                to.copy_from_slice(taken_bytes);
            }
            self.known += taken;
            bytes = rest;
            if self.known == HEAD_BYTES {
                self.known = 0;
                let [a, b, c, kind, flags, ..] = self.head;
                let length = u32::from_be_bytes([0, a, b, c]);
                self.skipped = length as usize;
                each(FrameHead { length, kind, flags });
            }
        }
    }

    fn is_between_frames(&self) -> bool {
        self.skipped == 0 && self.known == 0
    }
}

/// Frames on which no request depends may come at a rate, and beyond it as far as
/// requests and answers explain them: clients ping to measure the bandwidth and open
/// windows as they read.
#[derive(Debug)]
struct ControlAllowance {
    per_second: u32,
    left: u32,
    filled_at: Instant,
}

impl ControlAllowance {
    /// How many seconds' worth are saved up at most, but for what is earned.
    const SECONDS_MAX: u32 = 10;
    /// What one frame of a request or an answer earns.
    const EARNED: u32 = 4;
    /// How much is saved up at most.
    const LEFT_MAX: u32 = 10_000;

    fn new(per_second: u32) -> Self {
        Self { per_second, left: per_second.saturating_mul(Self::SECONDS_MAX), filled_at: Instant::now() }
    }

    fn earn(&mut self) {
        self.left = (self.left + Self::EARNED).min(Self::LEFT_MAX);
    }

    /// Whether one more may come.
    fn spend(&mut self) -> bool {
        if self.left == 0 {
            let seconds = self.filled_at.elapsed().as_secs();
            if seconds > 0 {
                let filled = self.per_second.saturating_mul(u32::try_from(seconds).unwrap_or(u32::MAX));
                self.left = filled.min(self.per_second.saturating_mul(Self::SECONDS_MAX));
                self.filled_at = Instant::now();
            }
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// Watches the frames of one connection in both directions.
#[derive(Debug)]
pub(super) struct FrameWatch {
    received: FrameScanner,
    sent: FrameScanner,
    allowance: ControlAllowance,
    headers_open: bool,
}

/// A peer sends more frames than requests explain.
#[derive(Debug, thiserror::Error)]
#[error(
    "the peer sends more control frames than limits.control_frames_per_second_max and its requests allow"
)]
pub(super) struct Flood;

impl FrameWatch {
    pub(super) fn new(control_frames_per_second_max: u32) -> Self {
        Self {
            received: FrameScanner::new(PREFACE_BYTES),
            sent: FrameScanner::new(0),
            allowance: ControlAllowance::new(control_frames_per_second_max),
            headers_open: false,
        }
    }

    /// Reads bytes that were received.
    pub(super) fn received(&mut self, bytes: &[u8]) -> Result<(), Flood> {
        let Self { received, allowance, headers_open, .. } = self;
        let mut is_flood = false;
        received.scan(bytes, |FrameHead { length, kind, flags }| {
            let ends_headers = flags & FLAG_END_HEADERS != 0;
            match kind {
                HEADERS => {
                    *headers_open = !ends_headers;
                    allowance.earn();
                }
                CONTINUATION => *headers_open = *headers_open && !ends_headers,
                DATA if length > 0 => allowance.earn(),
                PING | SETTINGS if flags & FLAG_ACK != 0 => {}
                _ => is_flood |= !allowance.spend(),
            }
        });
        if is_flood { Err(Flood) } else { Ok(()) }
    }

    /// Reads bytes that were sent.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        let Self { sent, allowance, .. } = self;
        sent.scan(bytes, |head| {
            if head.kind == DATA && head.length > 0 {
                allowance.earn();
            }
        });
    }

    /// Whether a block of headers has started and not ended.
    pub(super) fn are_headers_open(&self) -> bool {
        self.headers_open
    }

    /// The frame that says why the peer is cut off, if one may start now.
    pub(super) fn farewell(&self) -> Option<Vec<u8>> {
        self.sent.is_between_frames().then(|| {
            let payload =
                [&u32::MAX.wrapping_shr(1).to_be_bytes(), &ENHANCE_YOUR_CALM.to_be_bytes(), FLOOD_REASON];
            let payload = payload.concat();
            let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
            [&[0, 0, length, GOAWAY, 0, 0, 0, 0, 0], payload.as_slice()].concat()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("a short payload");
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    fn started(per_second: u32) -> FrameWatch {
        let mut watch = FrameWatch::new(per_second);
        watch.received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("the preface");
        watch
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let bytes =
            [frame(HEADERS, 0, b"abc"), frame(CONTINUATION, FLAG_END_HEADERS, b""), frame(DATA, 1, b"body")];
        let bytes = bytes.concat();
        for cut in 0..bytes.len() {
            let mut heads = Vec::new();
            let mut scanner = FrameScanner::new(0);
            let (one, other) = bytes.split_at(cut);
            scanner.scan(one, |head| heads.push((head.kind, head.length)));
            scanner.scan(other, |head| heads.push((head.kind, head.length)));
            assert_eq!(heads, [(HEADERS, 3), (CONTINUATION, 0), (DATA, 4)], "cut at {cut}");
            assert!(scanner.is_between_frames());
        }
    }

    #[test]
    fn pings_are_a_flood_unless_requests_explain_them() {
        let ping = frame(PING, 0, &[0; 8]);
        let mut silent = started(1);
        let allowed = (0..1000).take_while(|_| silent.received(&ping).is_ok()).count();
        assert_eq!(allowed, 10);
        let mut busy = started(1);
        let request = frame(HEADERS, FLAG_END_HEADERS, b"h");
        let explained =
            (0..1000).all(|_| busy.received(&request).and_then(|()| busy.received(&ping)).is_ok());
        assert!(explained);
        let mut acknowledging = started(1);
        assert!((0..1000).all(|_| acknowledging.received(&frame(PING, FLAG_ACK, &[0; 8])).is_ok()));
    }

    #[test]
    fn a_block_of_headers_is_open_until_its_end() {
        let mut watch = started(10);
        watch.received(&frame(HEADERS, 0, b"abc")).expect("no flood");
        assert!(watch.are_headers_open());
        watch.received(&frame(CONTINUATION, FLAG_END_HEADERS, b"")).expect("no flood");
        assert!(!watch.are_headers_open());
    }

    #[test]
    fn the_farewell_is_a_frame_of_its_own() {
        let mut watch = started(10);
        let farewell = watch.farewell().expect("between frames");
        assert_eq!(farewell.get(..9), Some([0, 0, 22, GOAWAY, 0, 0, 0, 0, 0].as_slice()));
        assert!(farewell.ends_with(b"\0\0\0\x0btoo_many_pings"));
        watch.sent(&[0, 0, 5]);
        assert_eq!(watch.farewell(), None);
    }
}
