//! The form of a process, made from its description alone.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::control::{Field, field};
use super::words::inline;
use crate::ogc::coerce::{takes_bbox, takes_link};
use crate::ogc::outputs::{GEOJSON, GEOTIFF, essence, media_types};
use crate::ogc::{ProcessDescription, title_of};
use crate::store::{Kind, Offered};

/// Data of the server that inputs may name.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Cubes.
    pub cubes: Vec<String>,
    /// Files.
    pub files: Vec<String>,
}

impl Offers {
    /// What the operator offers. Looks into folders.
    pub fn of(offered: &Offered) -> Self {
        Self { cubes: offered.names(Kind::Cube), files: offered.names(Kind::File) }
    }
}

/// The form; it is sent to the execution below `own`.
pub fn form(own: &str, process: &ProcessDescription, offers: &Offers) -> Markup {
    let required = |input: &Value| input["minOccurs"] != json!(0);
    // What the process works on stands first; how it works waits until it is asked for.
    let first = |input: &Value| {
        let schema = &input["schema"];
        required(input) || takes_link(schema) || takes_bbox(schema) || super::control::is_dates(schema)
    };
    let show = |name: &str, input: &Value| {
        field(
            &Field {
                path: name.to_owned(),
                title: input["title"].as_str().map_or_else(|| title_of(name), str::to_owned),
                about: input["description"].as_str().unwrap_or_default(),
                unit: input["metadata"][0]["title"].as_str(),
                required: required(input),
                schema: &input["schema"],
            },
            offers,
        )
    };
    let (main, more): (Vec<_>, Vec<_>) = process.inputs.iter().partition(|(_, input)| first(input));
    html! {
        noscript { p.note { "The form needs JavaScript. Below is how a program asks for the same." } }
        form #run data-execute=(format!("{own}/execution")) novalidate {
            h2 { "Run it" }
            p.fault #fault role="alert" tabindex="-1" hidden {}
            @for (name, input) in main { (show(name, input)) }
            @if !more.is_empty() {
                details.more {
                    summary { "Options " span.faint { "(" (more.len()) ", all with defaults)" } }
                    div.grid { @for (name, input) in more { (show(name, input)) } }
                }
            }
            (wanted(process))
            p.actions {
                button #send type="submit" disabled { "Run" }
                @if process.outputs.values().any(is_map) {
                    button.second #watch type="submit" disabled { "Run and watch the map" }
                }
                span #sending role="status" {}
            }
            details.program { summary { "The request as JSON" } pre #preview {} }
        }
    }
}

/// Whether an output is seen on the map while it is computed.
fn is_map(output: &Value) -> bool {
    media_types(&output["schema"]).into_iter().map(essence).any(|t| t == GEOJSON || t == essence(GEOTIFF))
}

/// Which outputs are wanted, and as what.
fn wanted(process: &ProcessDescription) -> Markup {
    html! {
        details.more #wanted {
            summary { "Outputs " span.faint { "(all " (process.outputs.len()) " unless some are left out)" } }
            fieldset { legend.unseen { "Outputs" }
                @for (name, output) in &process.outputs {
                    @let types = media_types(&output["schema"]);
                    div.pick {
                        label {
                            input type="checkbox" data-output=(name) checked;
                            " " (output["title"].as_str().unwrap_or(name))
                        }
                        @if types.len() > 1 {
                            select data-format=(name) aria-label=(format!("Format of {name}")) {
                                @for (index, kind) in types.iter().enumerate() {
                                    option value=(if index == 0 { "" } else { kind }) { (essence(kind)) }
                                }
                            }
                        }
                        @if let Some(about) = output["description"].as_str() { span.faint { (inline(about)) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::registry;

    #[test]
    fn every_input_of_every_process_has_a_control_with_a_label() {
        let offers = Offers { cubes: vec!["hunan".to_owned()], files: vec!["mines".to_owned()] };
        for process in registry() {
            let description = process.describe();
            let page = form("/processes/x", &description, &offers).into_string();
            for name in description.inputs.keys() {
                assert_eq!(
                    page.matches(&format!("data-path=\"{name}\"")).count(),
                    1,
                    "{} {name}",
                    process.id()
                );
            }
            let ids: Vec<&str> =
                page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            for target in page.split(" for=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_eq!(ids.iter().filter(|id| **id == target).count(), 1, "{} {target}", process.id());
            }
        }
    }

    #[test]
    fn hostile_names_of_data_are_escaped() {
        let offers = Offers { cubes: vec!["\"><script>".to_owned()], files: Vec::new() };
        let described = crate::process::find("index-series").unwrap().describe();
        assert!(!form("/x", &described, &offers).into_string().contains("<script>"));
    }
}
