//! Styles and legends: of `styles/`, and as collections have them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::documents;
use super::drawn::small;
use super::images::{name, styled};
use super::service::style_of;
use crate::ogc::collections::rel;
use crate::ogc::outputs::{JSON, PNG};
use crate::ogc::{Link, ProblemType, segment};
use crate::server::collections::{collection, parameters, value};
use crate::server::error::{Answer, ApiError, document};
use crate::server::state::ServerState;
use crate::style::{LayerSource, MAPLIBRE, QML, SLD, Style, maplibre, picture, sld};

/// What a style is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    MapLibre,
    Sld,
    Qml,
}

impl Encoding {
    /// Every encoding with its media type and its names as the parameter `f`, the usual one first.
    const ALL: [(Self, &'static str, &'static [&'static str]); 3] = [
        (Self::MapLibre, MAPLIBRE, &["mapbox", "maplibre", "json"]),
        (Self::Sld, SLD, &["sld10", "sld"]),
        (Self::Qml, QML, &["qml"]),
    ];

    /// By `f`, else by `Accept`.
    fn asked(request: &HttpRequest, f: Option<&str>) -> Result<(Self, &'static str), ApiError> {
        if let Some(f) = f {
            let found =
                Self::ALL.into_iter().find(|(_, media_type, names)| names.contains(&f) || *media_type == f);
            return found.map(|(encoding, media_type, _)| (encoding, media_type)).ok_or_else(|| {
                ApiError::parameter("f", format!("`{f}` is no encoding of styles (mapbox, sld10, qml)"))
            });
        }
        let accept = request.headers().get("Accept").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let essence = |t: &'static str| t.split(';').next().unwrap_or(t);
        let found = Self::ALL.into_iter().find(|(_, media_type, _)| accept.contains(essence(media_type)));
        let (encoding, media_type, _) = found.unwrap_or(Self::ALL[0]);
        Ok((encoding, media_type))
    }
}

fn known(id: &str) -> Result<Style, ApiError> {
    let hint = || crate::ogc::hint(id, crate::style::IDS.into_iter());
    Style::find(id)
        .ok_or_else(|| ApiError::absent(ProblemType::Plain, format!("there is no style `{id}`{}", hint())))
}

/// Links of a style at an address.
fn links(own: &str, service: &str) -> Vec<Link> {
    let mut links: Vec<Link> = Encoding::ALL
        .iter()
        .map(|(_, media_type, names)| Link::new(format!("{own}?f={}", names[0]), "stylesheet", media_type))
        .collect();
    links.extend([
        Link::new(format!("{service}/metadata"), "describedby", JSON).titled("About this style"),
        Link::new(format!("{own}/legend?f=png"), rel::LEGEND, PNG).titled("Legend as a picture"),
        Link::new(format!("{own}/legend?f=json"), rel::LEGEND, JSON).titled("Legend"),
    ]);
    links
}

pub async fn list(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let base = state.base(&request);
    let style = |style: Style| {
        let own = format!("{base}/styles/{}", style.id);
        json!({"id": style.id, "title": style.title, "links": links(&own, &own)})
    };
    let styles: Vec<Value> = Style::all().map(style).collect();
    let own = [Link::new(format!("{base}/styles"), "self", JSON)];
    Ok(document(&json!({"styles": styles, "links": own})))
}

/// A style in the encoding that is asked for. `source` is where the tiles of its layer are.
fn encoded(
    request: &HttpRequest,
    state: &ServerState,
    style: &Style,
    source: &LayerSource,
    f: Option<&str>,
) -> Answer {
    let (encoding, media_type) = Encoding::asked(request, f)?;
    let text = match encoding {
        Encoding::MapLibre => {
            serde_json::to_string_pretty(&maplibre(style, source)).map_err(ApiError::internal)?
        }
        Encoding::Sld => sld(style),
        Encoding::Qml => style.qml(),
    };
    Ok(small(request, state, media_type, text.into_bytes()))
}

pub async fn one(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = || {
        let query = parameters(&request, &["f"])?;
        let style = known(name(&request, "style"))?;
        let source = documents::any_source(&style, &state.base(&request));
        encoded(&request, &state, &style, &source, value(&query, "f"))
    };
    told().map_err(|e| e.to(&request))
}

pub async fn metadata(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let style = known(name(&request, "style")).map_err(|e| e.to(&request))?;
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let own = format!("{}/styles/{}", state.base(&request), style.id);
    let sheets: Vec<Value> = Encoding::ALL
        .iter()
        .map(|(_, media_type, names)| {
            json!({"title": names[0], "native": true,
                   "link": Link::new(format!("{own}?f={}", names[0]), "stylesheet", media_type)})
        })
        .collect();
    Ok(document(&json!({
        "id": style.id, "title": style.title, "description": style.note, "keywords": [style.title_zh],
        "scope": "style", "stylesheets": sheets, "links": links(&own, &own), "legend": style.legend()
    })))
}

pub async fn of_collection(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        parameters(&request, &["f"])?;
        let found = collection(&request, &state, name(&request, "collection")).await?;
        let base = state.base(&request);
        let all = format!("{}/styles", documents::own(&found, None, &base));
        let style = |id: &String| {
            let style = style_of(&found, id)?;
            let own = format!("{all}/{}", segment(id));
            Some(
                json!({"id": id, "title": style.title, "links": links(&own, &format!("{base}/styles/{id}"))}),
            )
        };
        let styles: Vec<Value> = found.layer.styles.iter().filter_map(style).collect();
        let links = [Link::new(&all, "self", JSON)];
        Ok::<_, ApiError>(json!({"styles": styles, "default": found.layer.styles.first(), "links": links}))
    };
    Ok(document(&told.await.map_err(|e| e.to(&request))?))
}

pub async fn one_of_collection(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let query = parameters(&request, &["f"])?;
        let (found, style) =
            styled(&request, &state, name(&request, "collection"), name(&request, "style")).await?;
        let source = documents::source(&found, &style, &state, &state.base(&request));
        encoded(&request, &state, &style, &source, value(&query, "f"))
    };
    told.await.map_err(|e| e.to(&request))
}

/// A legend as JSON or a picture: by `f`, else by `Accept`, else JSON.
fn legend_of(request: &HttpRequest, state: &ServerState, style: &Style) -> Result<HttpResponse, ApiError> {
    let query = parameters(request, &["f"])?;
    let accept = request.headers().get("Accept").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let usual = if accept.trim_start().starts_with("image/") { "png" } else { "json" };
    match value(&query, "f").unwrap_or(usual) {
        "png" | PNG => Ok(small(request, state, PNG, picture(style).map_err(ApiError::internal)?)),
        "json" | JSON => {
            let text = serde_json::to_vec(&style.legend()).map_err(ApiError::internal)?;
            Ok(small(request, state, JSON, text))
        }
        other => Err(ApiError::parameter("f", format!("`{other}` is no form of a legend (json, png)"))),
    }
}

pub async fn legend(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = known(name(&request, "style")).and_then(|style| legend_of(&request, &state, &style));
    told.map_err(|e| e.to(&request))
}

pub async fn legend_of_collection(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let (_, style) =
            styled(&request, &state, name(&request, "collection"), name(&request, "style")).await?;
        legend_of(&request, &state, &style)
    };
    told.await.map_err(|e| e.to(&request))
}
