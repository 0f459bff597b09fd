//! The report of a run: one page of HTML that loads nothing from elsewhere.

mod map;

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::Value as Json;

use super::chain::{Seen, SeenFeatures};
use super::stress::LIMITS;
use super::{Context, ProcessError, RasterReader};
use map::{MapFigure, hectares, said};

/// Rows of a table before the rest is left to the files.
const MOST_ROWS: usize = 20;

/// What the page is made of.
pub struct Report<'a> {
    /// Its title.
    pub title: &'a str,
    /// What the steps left.
    pub seen: &'a Seen,
    /// The stress map.
    pub stress: &'a dyn RasterReader,
    /// For the pictures of other rasters.
    pub context: &'a Context<'a>,
}

/// A text as it may stand in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A column of a table: its head, the field, whether it holds numbers and their digits.
type Column<'a> = (&'a str, &'a str, Option<usize>);

impl Report<'_> {
    /// The page.
    ///
    /// # Errors
    /// What reading the map fails with.
    pub fn html(&self) -> Result<String, ProcessError> {
        let title = escape(self.title);
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>\n{}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p class=\"about\">{}</p>\n\
             <p class=\"limits\"><strong>What this is not.</strong> {}</p>\n",
            include_str!("../../../styles/report.css"),
            escape(&self.about()),
            escape(LIMITS)
        );
        self.numbers(&mut page);
        self.map(&mut page)?;
        self.zones(&mut page);
        self.mines(&mut page);
        self.association(&mut page);
        self.pictures(&mut page);
        self.accuracy(&mut page);
        self.notes(&mut page);
        let _ = write!(
            page,
            "<footer>Made by rededge {}. Rice after Jiang et al. 2024 (doi:10.1080/15481603.2024.2367807), stress after \
             Zhang et al. 2022 (doi:10.3390/ijerph19052567).</footer>\n</main>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        );
        Ok(page)
    }

    fn about(&self) -> String {
        let grid = self.stress.grid();
        let (width, height) = grid.affine.pixel_size();
        let size = if width == height { format!("{width}") } else { format!("{width} x {height}") };
        let place = grid
            .lon_lat_bounds()
            .map_or_else(String::new, |[w, s, e, n]| format!(", {w:.3} to {e:.3} E, {s:.3} to {n:.3} N"));
        format!("{} x {} pixels of {size}, {}{place}.", grid.cols, grid.rows, grid.crs.name())
    }

    fn number(&self, document: &str, pointer: &str) -> Option<f64> {
        self.seen.documents.get(document)?.pointer(pointer)?.as_f64()
    }

    /// Hectares of a class in a table of areas.
    fn hectares_of(&self, class: &str) -> Option<f64> {
        let rows = self.seen.documents.get("areas")?.as_array()?;
        rows.iter().find(|r| r["name"] == class)?["hectares"].as_f64()
    }

    fn numbers(&self, page: &mut String) {
        let (stressed, unstressed) = (self.hectares_of("stressed-rice"), self.hectares_of("unstressed-rice"));
        let rice = stressed.zip(unstressed).map(|(a, b)| a + b);
        let share = stressed.zip(rice).filter(|(_, rice)| *rice > 0.0).map(|(s, r)| 100.0 * s / r);
        let near = self.number("summary", "/byDistance/0/areaHa");
        let reach = self.number("summary", "/byDistance/0/toM");
        let near_name = format!("ha of zones within {} m of a mine", reach.unwrap_or_default());
        let rows = [
            ("ha of rice", rice, 1),
            ("ha of stressed rice", stressed, 1),
            ("% of the rice is stressed", share, 1),
            ("zones", self.number("summary", "/zones"), 0),
            ("ha in zones", self.number("summary", "/areaHa"), 1),
            (near_name.as_str(), near, 1),
        ];
        page.push_str("<dl class=\"numbers\">\n");
        for (name, value, digits) in rows {
            if let Some(value) = value {
                let _ = writeln!(page, "<div><dt>{name}</dt><dd>{value:.digits$}</dd></div>");
            }
        }
        page.push_str("</dl>\n");
    }

    fn map(&self, page: &mut String) -> Result<(), ProcessError> {
        let (zones, mines) = (self.seen.features.get("zones"), self.seen.features.get("mines"));
        let (svg, outside) = MapFigure { map: self.stress, zones, mines }.svg()?;
        let beyond = match outside {
            0 => String::new(),
            n => format!(" {n} mines lie outside of the map."),
        };
        let _ = write!(
            page,
            "<h2>Where</h2>\n<figure>\n{svg}<figcaption>Zones of stressed rice (outlined) and mines over the stress map. \
             Point at one to read its name.{beyond}</figcaption>\n</figure>\n"
        );
        Ok(())
    }

    fn zones(&self, page: &mut String) {
        let Some(zones) = self.seen.features.get("zones") else { return };
        page.push_str("<h2>The largest zones</h2>\n");
        if zones.count == 0 {
            page.push_str("<p>No zone of stressed rice was found.</p>\n");
            return;
        }
        let columns: [Column; 9] = [
            ("zone", "id", Some(0)),
            ("ha", "areaHa", Some(2)),
            ("probability %", "meanProbability", Some(0)),
            ("nearest mine", "nearestMineName", None),
            ("id of the mine", "nearestMine", None),
            ("commodity", "nearestMineCommodity", None),
            ("distance m", "distanceM", Some(0)),
            ("bearing \u{b0}", "bearingDeg", Some(0)),
            ("mines around", "minesWithin", Some(0)),
        ];
        table(page, zones, &columns);
    }

    fn mines(&self, page: &mut String) {
        let Some(mines) = self.seen.features.get("mines").filter(|m| m.count > 0) else { return };
        page.push_str(
            "<h2>The mines</h2>\n<p class=\"about\">Hectares of zones by distance from each mine.</p>\n",
        );
        let bands: Vec<String> = mines
            .schema
            .fields
            .iter()
            .filter(|f| f.name.starts_with("stressedHa"))
            .map(|f| f.name.clone())
            .collect();
        let heads: Vec<String> = bands
            .iter()
            .map(|name| match name.trim_start_matches("stressedHa").split_once("To") {
                Some((from, to)) => format!("{from} to {} m", to.trim_end_matches('M')),
                None => "ha in all".to_owned(),
            })
            .collect();
        let mut columns: Vec<Column> =
            vec![("id", "id", None), ("mine", "name", None), ("commodity", "commodity", None)];
        columns
            .extend(heads.iter().zip(&bands).map(|(head, field)| (head.as_str(), field.as_str(), Some(2))));
        table(page, mines, &columns);
    }

    fn association(&self, page: &mut String) {
        let Some(svg) = self.seen.files.get("associationFigure") else { return };
        let svg = String::from_utf8_lossy(svg);
        let svg = &svg[svg.find("<svg").unwrap_or_default()..];
        let said = match self.number("associationTest", "/pValue") {
            Some(p) if p < 0.05 => format!(
                "Stressed rice lies nearer to the mines than mines at random places would have it (p = {p:.3}). \
                 That does not say that the mines are the cause."
            ),
            Some(p) => {
                format!("Mines at random places would have stressed rice as near as this (p = {p:.3}).")
            }
            None => "There is not enough for a test.".to_owned(),
        };
        let _ = write!(page, "<h2>Is it the mines?</h2>\n<p>{said}</p>\n<figure>\n{svg}\n</figure>\n");
    }

    fn pictures(&self, page: &mut String) {
        let rasters = [
            ("riceMap", "Rice"),
            ("probability", "Probability of stressed rice"),
            ("density", "Density of mines"),
        ];
        for (output, name) in rasters {
            let Some(png) = self.context.sink.picture(output) else { continue };
            let _ = write!(
                page,
                "<h2>{name}</h2>\n<figure><img alt=\"{name}\" src=\"data:image/png;base64,{}\"></figure>\n",
                base64::engine::general_purpose::STANDARD.encode(png)
            );
        }
    }

    fn accuracy(&self, page: &mut String) {
        let rows: Vec<(&str, &Json)> = [("rice map", "riceAccuracy"), ("stress map", "accuracy")]
            .into_iter()
            .filter_map(|(name, document)| Some((name, self.seen.documents.get(document)?)))
            .collect();
        if rows.is_empty() {
            return;
        }
        page.push_str(
            "<h2>How right the maps are</h2>\n<p class=\"about\">By samples that were not used to train.</p>\n\
             <div class=\"table\"><table>\n<tr><th>map</th><th class=\"n\">overall accuracy</th><th class=\"n\">kappa</th></tr>\n",
        );
        for (name, accuracy) in rows {
            let cell = |key: &str| accuracy[key].as_f64().map_or_else(String::new, |v| format!("{v:.3}"));
            let _ = writeln!(
                page,
                "<tr><td>{name}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                cell("overall"),
                cell("kappa")
            );
        }
        page.push_str("</table></div>\n");
    }

    fn notes(&self, page: &mut String) {
        if self.seen.notes.is_empty() {
            return;
        }
        page.push_str("<h2>Notes of the run</h2>\n<ul class=\"notes\">\n");
        for note in self.seen.notes.iter().filter(|n| !n.contains(": epoch ")) {
            let _ = writeln!(page, "<li>{}</li>", escape(note));
        }
        page.push_str("</ul>\n");
    }
}

fn table(page: &mut String, features: &SeenFeatures, columns: &[Column<'_>]) {
    let known = |c: &&Column| features.schema.fields.iter().any(|f| f.name.eq_ignore_ascii_case(c.1));
    let columns: Vec<&Column> = columns.iter().filter(known).collect();
    let class = |column: &Column| if column.2.is_some() { " class=\"n\"" } else { "" };
    page.push_str("<div class=\"table\"><table>\n<tr>");
    for column in &columns {
        let _ = write!(page, "<th{}>{}</th>", class(column), column.0);
    }
    page.push_str("</tr>\n");
    for (_, values) in features.rows.iter().take(MOST_ROWS) {
        page.push_str("<tr>");
        for column in &columns {
            let text = said(features, values, column.1);
            let text = match (column.2, text.parse::<f64>()) {
                (Some(2), _) => hectares(&text),
                (Some(digits), Ok(value)) => format!("{value:.digits$}"),
                _ => escape(&text),
            };
            let _ = write!(page, "<td{}>{text}</td>", class(column));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
    if features.count > MOST_ROWS {
        let _ = writeln!(
            page,
            "<p class=\"about\">{MOST_ROWS} of {}; all of them are in the file.</p>",
            features.count
        );
    }
}
