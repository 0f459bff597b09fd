//! A model's card to read.

use std::fmt::Write as _;

use crate::classify::Model;
use crate::classify::assess::Accuracy;
use crate::cube::TimeGrid;

/// The card as Markdown: what the model is, on what data it was trained, how right it is, and what
/// it must not be used for.
pub fn card_of(model: &Model) -> String {
    let card = &model.card;
    let names: Vec<&str> = card.legend.classes.iter().map(|c| c.name.as_str()).collect();
    let mut text = format!("# Model card: {} ({})\n\n", names.join(", "), card.method);
    let mut line = |what: &str, value: String| {
        let _ = writeln!(text, "* **{what}**: {value}");
    };
    line("Method", card.method.clone());
    line("Made with", card.software.clone());
    let samples: Vec<String> = names.iter().zip(&card.samples).map(|(c, n)| format!("{n} {c}")).collect();
    line("Samples", if samples.is_empty() { "unknown".to_owned() } else { samples.join(", ") });
    line("Dates", format!("{} to {}", card.dates.0, card.dates.1));
    line(
        "Region",
        match card.region {
            Some([west, south, east, north]) => {
                format!("{west:.4} to {east:.4} degrees east, {south:.4} to {north:.4} degrees north")
            }
            None => "unknown (trained on a table of series)".to_owned(),
        },
    );
    line("Series", model.recipe.series.join(", "));
    line(
        "Time grid",
        match &model.recipe.regularize.grid {
            TimeGrid::Acquisitions => "the dates as they are".to_owned(),
            TimeGrid::Days { first, step, count } => {
                format!("{count} steps of {step} days from day of year {first}")
            }
            TimeGrid::Listed { days } | TimeGrid::Observed { days } => {
                format!("{} days of the year", days.len())
            }
        },
    );
    line("Seed", card.seed.to_string());
    line("Parameters", format!("`{}`", card.parameters));
    let accuracy = card.accuracy.clone().and_then(|a| serde_json::from_value::<Accuracy>(a).ok());
    text += "\n## Accuracy\n\n";
    match accuracy {
        Some(accuracy) => text += &table(&accuracy),
        None => text += "Not validated.\n",
    }
    if let Some(limits) = &card.limits {
        let _ = write!(text, "\n## Limits\n\n{limits}\n");
    }
    text
}

fn table(accuracy: &Accuracy) -> String {
    let show = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let design = accuracy.validation.as_ref().and_then(|v| serde_json::to_string(v).ok()).unwrap_or_default();
    let mut text = format!(
        "By validation `{design}`, on samples that were not trained on: overall {}, kappa {}.\n\n\
         | class | producer's | user's | F1 |\n|---|---|---|---|\n",
        show(accuracy.overall),
        show(accuracy.kappa)
    );
    for class in &accuracy.classes {
        let of =
            |by: &std::collections::BTreeMap<String, Option<f64>>| show(by.get(class).copied().flatten());
        let _ = writeln!(
            text,
            "| {class} | {} | {} | {} |",
            of(&accuracy.producers),
            of(&accuracy.users),
            of(&accuracy.f1)
        );
    }
    text
}
