//! Trains boosted trees on a table and scores another: what `benches/peers/train.py` holds
//! against LightGBM.
//!
//! `train_table TRAIN.csv TEST.csv [--model MODEL.json] [--rounds 100] [--leaves 31] [--repeat 1]`
//!
//! The first column is the class, the others predictors; an empty value is missing. Prints one
//! JSON object with the seconds of each repeat and the accuracy on the second table.
#![expect(clippy::print_stdout, reason = "an example tells its result")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use rededge::classify::boost::{BoostOptions, BoostParams, train};
use rededge::classify::{Labels, Table};

fn read(path: &str, classes: Option<&[String]>) -> Result<(Table, Labels), Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(path)?;
    let names: Vec<String> = reader.headers()?.iter().skip(1).map(String::from).collect();
    let mut columns = vec![Vec::new(); names.len()];
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record?;
        found.push(record.get(0).unwrap_or_default().to_string());
        for (column, value) in columns.iter_mut().zip(record.iter().skip(1)) {
            column.push(if value.is_empty() { f32::NAN } else { value.parse()? });
        }
    }
    let mut own = found.clone();
    own.sort();
    own.dedup();
    let classes = classes.map_or(own, <[String]>::to_vec);
    let position: BTreeMap<&str, u16> =
        classes.iter().enumerate().map(|(k, c)| (c.as_str(), k as u16)).collect();
    let labels = found
        .iter()
        .map(|c| position.get(c.as_str()).copied().ok_or(format!("class `{c}` is new in {path}")))
        .collect::<Result<_, _>>()?;
    Ok((Table { names, columns }, Labels { classes, labels }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [train_path, test_path, ..] = &args[..] else {
        return Err("TRAIN.csv and TEST.csv are needed".into());
    };
    let option = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let number = |name: &str, usual: u32| option(name).map_or(Ok(usual), |v| v.parse());
    let params = BoostParams::try_from(BoostOptions {
        rounds: number("--rounds", 100)?,
        leaves: number("--leaves", 31)?,
        ..BoostOptions::default()
    })?;
    let (table, labels) = read(train_path, None)?;
    let (test, reference) = read(test_path, Some(&labels.classes))?;
    let mut seconds = Vec::new();
    let mut model = None;
    for _ in 0..number("--repeat", 1)?.max(1) {
        let clock = Instant::now();
        model = Some(train(&params, &table, &labels, None, &|_| true)?.ensemble);
        seconds.push(clock.elapsed().as_secs_f64());
    }
    let Some(model) = model else { return Err("nothing was trained".into()) };
    let hits = (0..test.rows())
        .filter(|&row| {
            let p = model.score_row(|c| test.columns[c][row]);
            (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b])) == Some(usize::from(reference.labels[row]))
        })
        .count();
    if let Some(path) = option("--model") {
        std::fs::write(path, serde_json::to_vec(&model)?)?;
    }
    let accuracy = hits as f64 / test.rows() as f64;
    println!("{}", serde_json::json!({"seconds": seconds, "accuracy": accuracy, "trees": model.trees.len()}));
    Ok(())
}
