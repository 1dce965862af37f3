//! What is between two processes, and fails.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to connections, also to those that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Passes,
    /// Nothing is passed on, and nothing is closed; what was sent is lost.
    Silent,
    /// Half open: what is asked arrives, and what is answered is lost.
    Mute,
    /// Nothing is passed on until later, and then all of it.
    Stalls,
    /// Closed in order.
    Closes,
    Resets,
    /// What is answered arrives so much later.
    Slow(Duration),
    /// What comes back is not what was asked for.
    Garbage,
}

pub(crate) struct Relay {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    to: Arc<Mutex<SocketAddr>>,
}

impl Relay {
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, told) = watch::channel(Mode::Passes);
        let to = Arc::new(Mutex::new(to));
        let target = Arc::clone(&to);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, *target.lock().unwrap(), told.clone()));
            }
        });
        Self { address, mode, to }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Further connections lead there.
    pub(crate) fn lead_to(&self, to: SocketAddr) {
        *self.to.lock().unwrap() = to;
    }
}

/// Passes on until it must not, or one of the two ends.
async fn serve(mut from: TcpStream, to: SocketAddr, mut mode: watch::Receiver<Mode>) {
    let Ok(mut to) = TcpStream::connect(to).await else { return };
    let (mut asked, mut answered) = ([0; 16_384], [0; 16_384]);
    loop {
        let now = *mode.borrow_and_update();
        match now {
            Mode::Closes => return,
            Mode::Resets => {
                // Closed with a reset, not in order.
                drop(from.set_zero_linger());
                return;
            }
            Mode::Silent => {
                drop(mode.changed().await);
                // What was lost meanwhile cannot be made up for.
                return;
            }
            Mode::Stalls => {
                if mode.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Mode::Passes | Mode::Mute | Mode::Slow(_) | Mode::Garbage => {}
        }
        let passed = tokio::select! {
            changed = mode.changed() => changed.is_ok() && now != Mode::Mute,
            read = from.read(&mut asked) => match read {
                Ok(bytes @ 1..) => to.write_all(&asked[..bytes]).await.is_ok(),
                Ok(0) | Err(_) => false,
            },
            read = to.read(&mut answered) => match read {
                Ok(bytes @ 1..) => pass_back(&mut from, &mut answered[..bytes], now).await,
                Ok(0) | Err(_) => false,
            },
        };
        if !passed {
            return;
        }
    }
}

async fn pass_back(from: &mut TcpStream, answered: &mut [u8], mode: Mode) -> bool {
    match mode {
        Mode::Mute => return true,
        Mode::Slow(slowness) => tokio::time::sleep(slowness).await,
        Mode::Garbage => answered.iter_mut().for_each(|byte| *byte ^= 0x5A),
        Mode::Passes | Mode::Silent | Mode::Stalls | Mode::Closes | Mode::Resets => {}
    }
    from.write_all(answered).await.is_ok()
}
