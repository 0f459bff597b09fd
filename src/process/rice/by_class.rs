//! What the classes look like: Fourier coefficients ([J] Table 4), harmonic curves (Fig. 3) and
//! interval predictors along the season (Fig. 10), by class.

use crate::classify::method::LabelledSeries;
use crate::classmap::{ClassEntry, Legend};
use crate::predictors::{Interval, Predictor, PredictorSet, fourier_coefficients};
use crate::process::ProcessError;
use crate::process::figures::{Curve, CurveFigure, Panel, Point, XAxis};

/// Harmonics that are told apart, besides the mean.
const HARMONICS: usize = 5;

/// Regular series of samples, their days of year and their classes.
pub struct ByClass<'a> {
    pub series: &'a LabelledSeries,
    /// Names of the series.
    pub names: &'a [String],
    /// Day of year of each step.
    pub days: &'a [f32],
    pub legend: &'a Legend,
}

/// A row a class and harmonic of one series.
#[derive(serde::Serialize)]
struct FourierRow<'a> {
    series: &'a str,
    class: &'a str,
    k: usize,
    a: f64,
    b: f64,
    /// sqrt(a^2 + b^2); the mean for k = 0, as the predictor is.
    c: f64,
    /// atan2(a, b), radians; none for k = 0.
    phi: Option<f64>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct HarmonicRow<'a> {
    series: &'a str,
    class: &'a str,
    day_of_year: f32,
    /// The class mean.
    mean: f64,
    /// The mean and all harmonics added up.
    sum: f64,
    h1: f64,
    h2: f64,
    h3: f64,
    h4: f64,
    h5: f64,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct IntervalRow<'a> {
    series: &'a str,
    class: &'a str,
    first_day: f32,
    last_day: f32,
    mean: f64,
    mean_spread: f64,
    deviation: f64,
    deviation_spread: f64,
    slope: f64,
    slope_spread: f64,
}

/// Mean over the samples of a class and standard deviation.
type Summary = (f64, f64);

impl ByClass<'_> {
    fn members(&self, class: usize) -> Vec<usize> {
        let labels = &self.series.labels.labels;
        (0..labels.len()).filter(|&i| usize::from(labels[i]) == class).collect()
    }

    /// The mean series of a class.
    fn mean(&self, series: usize, class: usize) -> Vec<f32> {
        let members = self.members(class);
        let n = self.series.labels.labels.len();
        let planes = self.series.values.chunks_exact(n).skip(series * self.series.steps);
        planes
            .take(self.series.steps)
            .map(|plane| summary(members.iter().map(|&i| plane[i])).0 as f32)
            .collect()
    }

    fn each(&self) -> impl Iterator<Item = (usize, &str, usize, &ClassEntry)> {
        let classes =
            move |(s, name)| self.legend.classes.iter().enumerate().map(move |(c, e)| (s, name, c, e));
        self.names.iter().map(String::as_str).enumerate().flat_map(classes)
    }

    /// A_k, B_k, C_k and phi_k of each class's mean series, eq. 6-10, as CSV.
    ///
    /// # Errors
    /// None in practice: text is written to memory.
    pub fn fourier(&self) -> Result<Vec<u8>, ProcessError> {
        let rows = self.each().flat_map(|(s, series, c, class)| {
            let found = fourier_coefficients(&self.mean(s, c), self.harmonics());
            found.into_iter().enumerate().map(|(k, (a, b))| FourierRow {
                series,
                class: &class.name,
                k,
                a,
                b: b + 0.0, // no sign on the sine of nothing
                c: if k == 0 { a / 2.0 } else { a.hypot(b) },
                phi: (k > 0).then(|| a.atan2(b)),
            })
        });
        csv_of(rows)
    }

    fn harmonics(&self) -> usize {
        HARMONICS.min(self.series.steps / 2)
    }

    /// The k-th harmonic of a mean series along its steps: A_k cos(2 pi k n / N) + B_k sin, and
    /// A_0/2 for k = 0; `[k][step]`.
    fn harmonic_curves(&self, mean: &[f32]) -> Vec<Vec<f64>> {
        let n = mean.len() as f64;
        let curve = |(k, (a, b)): (usize, (f64, f64))| -> Vec<f64> {
            let at = |step: usize| {
                let angle = std::f64::consts::TAU * k as f64 * (step + 1) as f64 / n;
                // The highest harmonic of an even number of steps stands twice in the transform.
                let share = if k == 0 || 2 * k == mean.len() { 0.5 } else { 1.0 };
                share * (a * angle.cos() + b * angle.sin())
            };
            (0..mean.len()).map(at).collect()
        };
        let mut curves: Vec<_> =
            fourier_coefficients(mean, self.harmonics()).into_iter().enumerate().map(curve).collect();
        curves.resize(HARMONICS + 1, vec![0.0; mean.len()]);
        curves
    }

    /// The harmonic curves of each class's mean series as CSV.
    ///
    /// # Errors
    /// None in practice.
    pub fn harmonic_table(&self) -> Result<Vec<u8>, ProcessError> {
        let rows = self.each().flat_map(|(s, series, c, class)| {
            let mean = self.mean(s, c);
            let h = self.harmonic_curves(&mean);
            (0..mean.len()).map(move |i| HarmonicRow {
                series,
                class: &class.name,
                day_of_year: self.days[i],
                mean: f64::from(mean[i]),
                sum: h.iter().map(|curve| curve[i]).sum(),
                h1: h[1][i],
                h2: h[2][i],
                h3: h[3][i],
                h4: h[4][i],
                h5: h[5][i],
            })
        });
        csv_of(rows)
    }

    /// The class means, what the mean and all harmonics add up to, and each harmonic by itself,
    /// for the first series.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] where nothing can be drawn.
    pub fn harmonic_figure(&self) -> Result<String, ProcessError> {
        let parts: Vec<(Vec<f32>, Vec<Vec<f64>>)> = (0..self.legend.classes.len())
            .map(|c| self.mean(0, c))
            .map(|mean| (mean.clone(), self.harmonic_curves(&mean)))
            .collect();
        let panel = |title: String, of: &dyn Fn(usize, usize) -> f64| {
            self.panel(title, self.days, |class, i| (of(class, i), 0.0))
        };
        let name = &self.names[0];
        let mut panels = vec![
            panel(format!("{name}, class mean"), &|c, i| f64::from(parts[c].0[i])),
            panel(format!("{name}, mean and harmonics 1 to {} added up", self.harmonics()), &|c, i| {
                parts[c].1.iter().map(|curve| curve[i]).sum()
            }),
        ];
        for k in 1..=self.harmonics() {
            panels.push(panel(format!("harmonic {k}"), &|c, i| parts[c].1[k][i]));
        }
        draw("Harmonic curves by class".to_owned(), "day of year", panels)
    }

    /// Sliding intervals of a sixth of the season, at least three steps.
    fn intervals(&self) -> Vec<Interval> {
        let length = (self.series.steps / 6).max(3).min(self.series.steps);
        (0..=self.series.steps - length).map(|start| Interval { start, end: start + length - 1 }).collect()
    }

    /// Mean and spread over the samples of a class of each interval's mean, deviation and slope
    /// (per step): `[class][interval]`.
    fn interval_summaries(&self, series: usize) -> Vec<Vec<[Summary; 3]>> {
        let intervals = self.intervals();
        let predictors: Vec<Predictor> = intervals
            .iter()
            .flat_map(|&i| [Predictor::Mean(i), Predictor::Deviation(i), Predictor::Slope(i)])
            .collect();
        let n = self.series.labels.labels.len();
        let columns = predictors.iter().map(|&p| (series, p)).collect();
        let set = PredictorSet { steps: self.series.steps, columns };
        let columns = set.compute(&self.series.values, n);
        let of_class = |class: usize| {
            let members = self.members(class);
            let of = |column: &Vec<f32>| summary(members.iter().map(|&i| column[i]));
            columns.chunks_exact(3).map(|three| [of(&three[0]), of(&three[1]), of(&three[2])]).collect()
        };
        (0..self.legend.classes.len()).map(of_class).collect()
    }

    /// Mean, deviation and slope of sliding intervals by class, with their spread over the
    /// samples, as CSV.
    ///
    /// # Errors
    /// None in practice.
    pub fn interval_table(&self) -> Result<Vec<u8>, ProcessError> {
        let all: Vec<_> = (0..self.names.len()).map(|s| self.interval_summaries(s)).collect();
        let intervals = self.intervals();
        let rows = self.each().flat_map(|(s, series, c, class)| {
            intervals.iter().zip(all[s][c].clone()).map(move |(interval, [mean, deviation, slope])| {
                IntervalRow {
                    series,
                    class: &class.name,
                    first_day: self.days[interval.start],
                    last_day: self.days[interval.end],
                    mean: mean.0,
                    mean_spread: mean.1,
                    deviation: deviation.0,
                    deviation_spread: deviation.1,
                    slope: slope.0,
                    slope_spread: slope.1,
                }
            })
        });
        csv_of(rows)
    }

    /// The same as curves at the middle of each interval, for the first series.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] where nothing can be drawn.
    pub fn interval_figure(&self) -> Result<String, ProcessError> {
        let summaries = self.interval_summaries(0);
        let intervals = self.intervals();
        let middle = |i: &Interval| f32::midpoint(self.days[i.start], self.days[i.end]);
        let middles: Vec<f32> = intervals.iter().map(middle).collect();
        let name = &self.names[0];
        let titles = ["mean", "standard deviation", "slope per step"];
        let panels = titles.into_iter().enumerate().map(|(k, what)| {
            self.panel(format!("{name}, {what} of the interval"), &middles, |class, i| summaries[class][i][k])
        });
        let length = intervals[0].end - intervals[0].start + 1;
        let title = format!("Sliding intervals of {length} steps by class, with one standard deviation");
        draw(title, "day of year, middle of the interval", panels.collect())
    }

    fn panel(&self, title: String, days: &[f32], of: impl Fn(usize, usize) -> Summary) -> Panel {
        let curves = self.legend.classes.iter().enumerate().map(|(c, entry)| {
            let point = |(i, &day): (usize, &f32)| {
                let (y, spread) = of(c, i);
                y.is_finite().then(|| Point { x: f64::from(day), y, spread })
            };
            let points = days.iter().enumerate().filter_map(point).collect();
            Curve { name: entry.name.clone(), color: entry.color, points }
        });
        Panel { title, curves: curves.collect() }
    }
}

fn draw(title: String, x: &str, panels: Vec<Panel>) -> Result<String, ProcessError> {
    CurveFigure { title, x: XAxis::Number(x.to_owned()), panels }.svg()
}

/// Mean and standard deviation (divisor n - 1).
fn summary(values: impl Iterator<Item = f32> + Clone) -> Summary {
    let n = values.clone().count() as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / n;
    let squares: f64 = values.map(|v| (f64::from(v) - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

/// Rows with a header from their member names.
///
/// # Errors
/// None in practice: text is written to memory.
pub fn csv_of<T: serde::Serialize>(rows: impl IntoIterator<Item = T>) -> Result<Vec<u8>, ProcessError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    rows.into_iter().try_for_each(|row| csv.serialize(row)).map_err(ProcessError::failed)?;
    csv.into_inner().map_err(ProcessError::failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Labels;

    /// One class of two samples around a cosine of harmonic 2 and mean 0.5, another constant.
    fn example() -> (LabelledSeries, Legend, Vec<f32>) {
        let steps = 12;
        let mut values = Vec::new();
        for step in 0..steps {
            let wave = (std::f32::consts::TAU * 2.0 * (step + 1) as f32 / steps as f32).cos();
            values.extend([0.5 + 0.2 * wave, 0.5 + 0.4 * wave, 0.1, 0.3]);
        }
        let labels = Labels { classes: vec!["a".into(), "b".into()], labels: vec![0, 0, 1, 1] };
        let days = (0..steps).map(|i| 100.0 + 10.0 * i as f32).collect();
        let legend = Legend::of_classes(&labels.classes).unwrap();
        (LabelledSeries { series: 1, steps, values, labels }, legend, days)
    }

    fn rows(csv: &[u8]) -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_reader(csv);
        reader.records().map(|r| r.unwrap().iter().map(ToOwned::to_owned).collect()).collect()
    }

    #[test]
    fn coefficients_are_those_of_the_class_mean() {
        let (series, legend, days) = example();
        let names = ["NDRE".to_owned()];
        let by_class = ByClass { series: &series, names: &names, days: &days, legend: &legend };
        let found = rows(&by_class.fourier().unwrap());
        assert_eq!(found.len(), 2 * 6);
        let number = |row: usize, column: usize| found[row][column].parse::<f64>().unwrap();
        // C_0 is the mean; A_2 the mean of the two waves, and phi_2 = atan2(A, 0).
        assert!((number(0, 5) - 0.5).abs() < 1e-6 && (number(2, 3) - 0.3).abs() < 1e-6, "{found:?}");
        assert!((number(2, 6) - std::f64::consts::FRAC_PI_2).abs() < 1e-5 && found[0][6].is_empty());
        assert!(number(7, 5).abs() < 1e-6, "a constant class has no harmonics");
    }

    #[test]
    fn harmonics_add_up_to_the_class_mean() {
        let (series, legend, days) = example();
        let names = ["NDRE".to_owned()];
        let by_class = ByClass { series: &series, names: &names, days: &days, legend: &legend };
        for row in rows(&by_class.harmonic_table().unwrap()) {
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            assert!((number(3) - number(4)).abs() < 1e-6, "{row:?}");
        }
        assert!(by_class.harmonic_figure().unwrap().starts_with("<svg"));
    }

    #[test]
    fn a_constant_class_has_no_slope_and_its_spread_is_that_of_its_samples() {
        let (series, legend, days) = example();
        let names = ["NDRE".to_owned()];
        let by_class = ByClass { series: &series, names: &names, days: &days, legend: &legend };
        let found = rows(&by_class.interval_table().unwrap());
        assert_eq!(found.len(), 2 * 10, "intervals of three of twelve steps");
        let last: Vec<f64> = found[19][2..].iter().map(|t| t.parse().unwrap()).collect();
        // Days 190 to 210; mean 0.2 with the deviation of 0.1 and 0.3.
        let expected = [190.0, 210.0, 0.2, 0.02f64.sqrt(), 0.0, 0.0, 0.0, 0.0];
        assert!(last.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{last:?}");
        assert!(by_class.interval_figure().unwrap().contains("slope per step"));
    }
}
