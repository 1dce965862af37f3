//! Repeated measurements of contenders in turn, and their medians.

use super::noise::NoiseProbe;

/// With this number of quiet repeats the noisy ones are left out.
const QUIET_MIN: usize = 3;

/// The repeats of one contender, each with its metrics.
pub struct Repeats<const METRICS: usize> {
    quiet: Vec<[f64; METRICS]>,
    noisy: Vec<[f64; METRICS]>,
}

/// The median of repeats, with the least and the most.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
}

/// Measures each contender `repeats` times, in turn: A B C A B C …
pub fn interleaved<Contender, const METRICS: usize>(
    repeats: usize,
    contenders: &mut [Contender],
    mut measure: impl FnMut(&mut Contender) -> [f64; METRICS],
) -> Vec<Repeats<METRICS>> {
    let mut measured: Vec<_> =
        contenders.iter().map(|_| Repeats { quiet: Vec::new(), noisy: Vec::new() }).collect();
    for _ in 0..repeats {
        for (contender, repeats) in contenders.iter_mut().zip(&mut measured) {
            let probe = NoiseProbe::start();
            let metrics = measure(contender);
            if probe.was_noisy() { &mut repeats.noisy } else { &mut repeats.quiet }.push(metrics);
        }
    }
    measured
}

/// Measures one contender `repeats` times.
pub fn repeated<const METRICS: usize>(
    repeats: usize,
    mut measure: impl FnMut() -> [f64; METRICS],
) -> Repeats<METRICS> {
    interleaved(repeats, &mut [()], |()| measure()).pop().expect("one contender")
}

impl<const METRICS: usize> Repeats<METRICS> {
    /// The spread of a metric over the quiet repeats, or over all repeats if too
    /// few were quiet.
    #[must_use]
    pub fn spread(&self, metric: usize) -> Spread {
        let counted: Vec<_> = if self.quiet.len() >= QUIET_MIN {
            self.quiet.iter().collect()
        } else {
            self.quiet.iter().chain(&self.noisy).collect()
        };
        Spread::of(counted.iter().filter_map(|metrics| metrics.get(metric).copied()).collect())
    }

    /// The number of noisy repeats and whether they are counted, as a text.
    #[must_use]
    pub fn noise(&self) -> String {
        let (noisy, all) = (self.noisy.len(), self.quiet.len() + self.noisy.len());
        match noisy {
            0 => format!("0 of {all}"),
            _ if self.quiet.len() >= QUIET_MIN => format!("{noisy} of {all}, left out"),
            _ => format!("{noisy} of {all}, **counted**"),
        }
    }
}

impl Spread {
    /// The spread of values; not a number if there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), least: at(0), most: at(values.len().saturating_sub(1)) }
    }

    /// `median (least – most)`, each multiplied by `scale`.
    #[must_use]
    pub fn format(&self, scale: f64, decimals: usize) -> String {
        let number = |value: f64| format_number(value * scale, decimals);
        format!("{} ({} – {})", number(self.median), number(self.least), number(self.most))
    }
}

/// The number of durations in milliseconds and their spread, as a text.
#[must_use]
pub fn format_durations(millis: &[f64]) -> String {
    match millis {
        [] => "none".to_owned(),
        millis => format!("{}, {} ms each", millis.len(), Spread::of(millis.to_vec()).format(1.0, 0)),
    }
}

/// A number with separated thousands.
#[must_use]
pub fn format_number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let plain = format!("{value:.decimals$}");
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(a, b)| (a, Some(b)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or(grouped.clone(), |fraction| format!("{grouped}.{fraction}"))
}
