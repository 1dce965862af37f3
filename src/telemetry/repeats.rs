//! Warnings and errors that are repeated are written once in a minute, and counted.
//!
//! The same event at the same place with the same fields is a repetition. An event
//! with an id of its own, which a caller has received, is written a few times more: the
//! id is how the operator finds it. Nothing that is new is ever left out.
//!
//! ```text
//!  event ─▶ the same in this minute? ─ no ─▶ written
//!                   └─ yes ─▶ counted ─ end of the minute ─▶ "repeated", times=N
//! ```

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How long repetitions are counted together.
const MINUTE: Duration = Duration::from_secs(60);

/// How often the minutes that are over are looked for.
pub(super) const SAY_INTERVAL: Duration = Duration::from_secs(10);

/// How many events that differ only in their id are written in a minute.
const WITH_ID_MAX: u32 = 10;

/// Maximum number of events that are remembered. Further ones are written each time.
const REMEMBERED_MAX: usize = 1000;

/// Maximum length of the fields of an event that is remembered. A longer one is written each time.
const FIELDS_BYTES_MAX: usize = 4096;

/// The fields in which repetitions differ.
const IDS: [&str; 2] = ["error_id", "trace_id"];

/// Finds repetitions.
#[derive(Clone, Debug, Default)]
pub(super) struct RepeatedEvents(Arc<Mutex<HashMap<(Identifier, String), Repeated>>>);

#[derive(Debug)]
struct Repeated {
    began: Instant,
    level: Level,
    written: u32,
    left_out: u64,
}

/// The fields of an event as text, without its ids.
#[derive(Default)]
struct EventFields {
    text: String,
    has_id: bool,
}

impl RepeatedEvents {
    /// Whether an event is to be written. If not, it is counted.
    fn is_new(&self, callsite: Identifier, level: Level, fields: EventFields, now: Instant) -> bool {
        let EventFields { text, has_id } = fields;
        let mut events = self.events();
        let has_room = events.len() < REMEMBERED_MAX && text.len() <= FIELDS_BYTES_MAX;
        let key = (callsite, text);
        let Some(known) = events.get_mut(&key) else {
            if has_room {
                events.insert(key, Repeated { began: now, level, written: 1, left_out: 0 });
            }
            return true;
        };
        if now.saturating_duration_since(known.began) >= MINUTE {
            // What was left out before is said with what is left out from now on.
            (known.began, known.written) = (now, 1);
            return true;
        }
        if has_id && known.written < WITH_ID_MAX {
            known.written += 1;
            return true;
        }
        known.left_out = known.left_out.saturating_add(1);
        false
    }

    /// Forgets the events whose minute is over, or all, and returns how often each was left out.
    fn end(&self, now: Instant, all: bool) -> Vec<(Level, String, u64)> {
        let is_over = |one: &Repeated| all || now.saturating_duration_since(one.began) >= MINUTE;
        let over: Vec<_> = self.events().extract_if(|_, one| is_over(one)).collect();
        let left_out = over.into_iter().filter(|(_, one)| one.left_out > 0);
        left_out.map(|((_, text), one)| (one.level, text, one.left_out)).collect()
    }

    /// Writes how often events of minutes that are over were repeated, or of all.
    pub(super) fn say(&self, all: bool) {
        for (level, event, times) in self.end(Instant::now(), all) {
            let event = event.trim_start();
            if level == Level::ERROR {
                tracing::error!(times, event, "repeated");
            } else {
                tracing::warn!(times, event, "repeated");
            }
        }
    }

    fn events(&self) -> MutexGuard<'_, HashMap<(Identifier, String), Repeated>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for RepeatedEvents {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // Those of this module say what was left out.
        if *metadata.level() > Level::WARN || metadata.target() == module_path!() {
            return true;
        }
        let mut fields = EventFields::default();
        event.record(&mut fields);
        self.is_new(metadata.callsite(), *metadata.level(), fields, Instant::now())
    }
}

impl Visit for EventFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if IDS.contains(&field.name()) {
            self.has_id = true;
            return;
        }
        let written = match field.name() {
            "message" => write!(self.text, " {value:?}"),
            name => write!(self.text, " {name}={value:?}"),
        };
        debug_assert!(written.is_ok(), "text can always be written");
    }
}

#[cfg(test)]
mod tests {
    use tracing::{error, info, warn};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Collects what is written.
    #[derive(Clone, Default)]
    struct LoggedLines(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for LoggedLines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut fields = EventFields::default();
            event.record(&mut fields);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fields.text);
        }
    }

    /// What is written of some events, and then what is said of the rest.
    fn written(events: impl FnOnce()) -> (Vec<String>, Vec<String>) {
        let (repeats, lines) = (RepeatedEvents::default(), LoggedLines::default());
        let subscriber = tracing_subscriber::registry().with(repeats.clone()).with(lines.clone());
        tracing::subscriber::with_default(subscriber, || {
            events();
            let before = std::mem::take(&mut *lines.0.lock().expect("lines"));
            repeats.say(true);
            let said = std::mem::take(&mut *lines.0.lock().expect("lines"));
            (before, said)
        })
    }

    #[test]
    fn the_same_warning_is_written_once_and_counted() {
        let (lines, said) = written(|| {
            for n in 0..6 {
                warn!(cause = n % 2, "the disk is slow");
                info!("not a warning");
            }
            error!("another");
        });
        let warnings: Vec<_> = lines.iter().filter(|line| line.contains("disk")).collect();
        assert_eq!(warnings, [" the disk is slow cause=0", " the disk is slow cause=1"]);
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (9, Some(" another")));
        let mut said = said;
        said.sort();
        assert_eq!(said.len(), 2);
        assert!(said[0].contains("times=2") && said[0].contains("the disk is slow cause=0"), "{said:?}");
    }

    #[test]
    fn a_few_of_those_that_differ_in_their_id_are_written() {
        let (lines, said) = written(|| {
            for id in 0..25 {
                warn!(error_id = id, reason = "INDEX_STALE", "request not answered");
            }
        });
        assert_eq!((lines.len(), said.len()), (10, 1));
        assert!(said[0].contains("times=15") && said[0].contains("INDEX_STALE"), "{said:?}");
    }

    #[test]
    fn what_there_is_no_room_for_is_written_each_time() {
        let (lines, said) = written(|| {
            for _ in 0..2 {
                for n in 0..=REMEMBERED_MAX {
                    warn!(n, "numbered");
                }
                warn!(text = "x".repeat(FIELDS_BYTES_MAX), "long");
            }
        });
        assert_eq!((lines.len(), said.len()), (REMEMBERED_MAX + 1 + 1 + 2, REMEMBERED_MAX));
    }

    #[test]
    fn the_next_minute_begins_anew() {
        /// Asks about the event of one place at instants after the beginning.
        #[derive(Clone)]
        struct Minutes {
            repeats: RepeatedEvents,
            began: Instant,
            after: Arc<Mutex<Vec<Duration>>>,
            answers: Arc<Mutex<Vec<bool>>>,
        }
        impl<S: Subscriber> Layer<S> for Minutes {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                let fields = EventFields { text: "same".to_owned(), has_id: false };
                let now = self.began + self.after.lock().expect("instants").remove(0);
                let is_new = self.repeats.is_new(event.metadata().callsite(), Level::WARN, fields, now);
                self.answers.lock().expect("answers").push(is_new);
            }
        }
        let after = [Duration::ZERO, Duration::ZERO, MINUTE / 2, MINUTE, MINUTE];
        let minutes = Minutes {
            repeats: RepeatedEvents::default(),
            began: Instant::now(),
            after: Arc::new(Mutex::new(after.to_vec())),
            answers: Arc::default(),
        };
        let subscriber = tracing_subscriber::registry().with(minutes.clone());
        tracing::subscriber::with_default(subscriber, || {
            for _ in after {
                warn!("at one place");
            }
        });
        assert_eq!(*minutes.answers.lock().expect("answers"), [true, false, false, true, false]);
        let (repeats, began) = (&minutes.repeats, minutes.began);
        assert!(repeats.end(began + MINUTE, false).is_empty());
        assert_eq!(repeats.end(began + MINUTE * 2, false), [(Level::WARN, "same".to_owned(), 3)]);
        assert!(repeats.events().is_empty());
    }
}
