//! A plot as SVG: panels below one another over one logarithmic axis, legible
//! on light and dark.

use lupa_bench::measure::repeats::format_number;

const WIDTH: f64 = 720.0;
const PANEL_HEIGHT: f64 = 220.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 48.0;
const GAP: f64 = 56.0;

/// Of medium brightness, so that they contrast with white and with black.
const COLORS: [&str; 3] = ["#2f81f7", "#d2691e", "#2e9e5b"];
const INK: &str = "#7d8590";

/// Number of grid lines of the ordinate.
const STEPS: u32 = 4;

/// A plot.
pub(crate) struct Plot {
    pub(crate) title: &'static str,
    /// The label of the abscissa.
    pub(crate) x: &'static str,
    pub(crate) panels: Vec<Vec<Line>>,
}

/// A line of a panel.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Plot {
    pub(crate) fn as_svg(&self) -> String {
        let height = TOP + (PANEL_HEIGHT + GAP) * self.panels.len() as f64;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             font-family=\"sans-serif\" font-size=\"12\" fill=\"{INK}\">\n<title>{}</title>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>\n",
            self.title, self.title
        );
        for (place, lines) in self.panels.iter().enumerate() {
            svg += &self.panel(lines, TOP + (PANEL_HEIGHT + GAP) * place as f64);
        }
        svg + "</svg>\n"
    }

    fn panel(&self, lines: &[Line], top: f64) -> String {
        let points = || lines.iter().flat_map(|line| line.points.iter());
        let logs = || points().map(|(x, _)| x.log10());
        let (low, high) = (logs().fold(f64::INFINITY, f64::min).floor(), logs().fold(1.0, f64::max).ceil());
        let most = round_up(points().map(|(_, y)| *y).fold(0.0, f64::max));
        let bottom = top + PANEL_HEIGHT;
        let x = |value: f64| LEFT + (value.log10() - low) / (high - low).max(1.0) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| bottom - value / most * (PANEL_HEIGHT - 24.0);
        let mut svg = String::new();
        for step in 0..=STEPS {
            let value = most * f64::from(step) / f64::from(STEPS);
            svg += &format!(
                "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"{INK}\" stroke-opacity=\"0.25\"/>\
                 <text x=\"{label}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\n",
                format_number(value, 0),
                at = y(value),
                end = WIDTH - RIGHT,
                label = LEFT - 8.0,
                middle = y(value) + 4.0,
            );
        }
        let mut power = low;
        while power <= high {
            svg += &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
                x(10_f64.powf(power)),
                bottom + 18.0,
                format_number(10_f64.powf(power), 0)
            );
            power += 1.0;
        }
        svg += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            WIDTH - RIGHT,
            bottom + 34.0,
            self.x
        );
        for ((line, color), place) in lines.iter().zip(COLORS).zip(0_u32..) {
            let path: Vec<String> =
                line.points.iter().map(|(at, value)| format!("{:.1} {:.1}", x(*at), y(*value))).collect();
            svg += &format!(
                "<path d=\"M{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>\n",
                path.join("L")
            );
            for (at, value) in &line.points {
                svg += &format!(
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{color}\"/>\n",
                    x(*at),
                    y(*value)
                );
            }
            svg += &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{}</text>\n",
                LEFT + 8.0,
                top + 12.0 + 16.0 * f64::from(place),
                line.name
            );
        }
        svg
    }
}

/// The next of 1, 2, 4, 8, 10, 20, 40, …
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].into_iter().map(|step| step * power);
    steps.clone().find(|step| *step >= value).unwrap_or(10.0 * power)
}
