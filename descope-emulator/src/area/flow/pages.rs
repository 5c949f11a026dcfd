//! What the vendor's web component reads before and between its calls: which flows there are, how they look, and each screen
//! as HTML. Where it would load its library of elements from elsewhere, the emulator has one that is as good as none, so that
//! a page works without a network.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{ScreenRecord, ThemeRecord};
use crate::{http::escape, world::State};

/// In the place of the library whose elements draw screens. The emulator's own screens are plain HTML; a button has the
/// name of the library's, because the component presses no other one when the user presses Enter.
pub(crate) const LIBRARY: &str = include_str!("library.js");

const STYLE: &str = include_str!("screen.css");

/// One of the files of a project, by its name: media type and text.
pub(crate) fn page(state: &State, name: &str) -> Option<(&'static str, String)> {
    match name {
        "config.json" => Some(("application/json", config(state).to_string())),
        "theme.json" => Some(("application/json", theme(&state.theme).to_string())),
        _ => {
            let id = name.strip_suffix(".html")?;
            let screen = state.flows.iter().flat_map(|flow| &flow.screens).find(|screen| screen.id == id)?;
            Some(("text/html; charset=utf-8", html(screen)))
        }
    }
}

/// The flows, each with the screen that can be shown at once.
fn config(state: &State) -> Value {
    let flows = state.flows.iter().map(|flow| {
        let mut about = json!({"version": flow.version});
        if let Some(screen) = flow.first_screen() {
            about["startScreenId"] = json!(screen.id);
            about["startScreenName"] = json!(title(screen));
        }
        (flow.id.clone(), about)
    });
    let fonts = json!({"light": {"fonts": {}}, "dark": {"fonts": {}}});
    json!({
        "flows": flows.collect::<Map<_, _>>(),
        "componentsVersion": state.theme.components_version,
        "cssTemplate": fonts,
        "styles": {"theme": fonts},
    })
}

/// The service makes style sheets of a theme. One that comes as a text is taken as it is; else the theme's main colour counts.
fn theme(theme: &ThemeRecord) -> Value {
    let side = |name: &str| {
        let style = theme.styles.get(name).unwrap_or(&Value::Null);
        let globals = match (style["globals"].as_str(), style["primary"].as_str()) {
            (Some(globals), _) => globals.to_owned(),
            (None, Some(primary)) if is_color(primary) => {
                format!("[data-theme=\"{name}\"] {{ --primary: {primary}; }}")
            }
            _ => String::new(),
        };
        let components = if style["components"].is_object() { style["components"].clone() } else { json!({}) };
        json!({"globals": globals, "components": components})
    };
    json!({"light": side("light"), "dark": side("dark")})
}

fn is_color(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"#(),.% -".contains(&byte))
}

fn title(screen: &ScreenRecord) -> &str {
    screen.contents.get("title").and_then(Value::as_str).unwrap_or(&screen.id)
}

/// A screen that brings its own HTML is shown so; any other is made of its inputs and interactions.
fn html(screen: &ScreenRecord) -> String {
    if let Some(own) = screen.contents.get("html").and_then(Value::as_str) {
        return own.to_owned();
    }
    let mut page = format!(
        "<style>{STYLE}</style>\n<main>\n<h1>{}</h1>\n<p data-type=\"error-message\" class=\"hide\" role=\"alert\"></p>\n",
        escape(title(screen))
    );
    let listed = |list: &Value| list.as_array().cloned().unwrap_or_default();
    for input in listed(&screen.inputs) {
        let text = |name: &str| escape(input[name].as_str().unwrap_or_default());
        let (name, kind) = (text("name"), input["type"].as_str().unwrap_or("text"));
        let label = if input["label"].is_string() { text("label") } else { name.clone() };
        let required = if input["required"] == true { " required" } else { "" };
        let _ = writeln!(
            page,
            "<label>{label} <input name=\"{name}\" type=\"{}\" autocomplete=\"{}\"{required}></label>",
            escape(kind),
            text("autocomplete"),
        );
    }
    for (at, button) in listed(&screen.interactions).iter().enumerate() {
        let text = |name: &str| escape(button[name].as_str().unwrap_or_default());
        let label = if button["label"].is_string() { text("label") } else { text("id") };
        // Enter presses the first one.
        let first = if at == 0 { "true" } else { "false" };
        let _ = writeln!(
            page,
            "<descope-button id=\"{}\" data-type=\"button\" auto-submit=\"{first}\" role=\"button\" \
             tabindex=\"0\">{label}</descope-button>",
            text("id"),
        );
    }
    page.push_str("</main>\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_screen_says_is_text_in_its_page() {
        let evil = "\"><script>alert(1)</script>";
        let screen = ScreenRecord {
            id: "ask".to_owned(),
            contents: json!({"title": evil}).as_object().cloned().unwrap_or_default(),
            interactions: json!([{"id": evil, "label": evil}, 5, null]),
            inputs: json!([{"name": evil, "type": evil, "label": evil, "autocomplete": evil}, "x"]),
        };
        let page = html(&screen);
        assert!(!page.contains("<script") && !page.contains("\"\">"), "{page}");
        let theme = |primary: &str| {
            let styles = json!({"light": {"primary": primary}}).as_object().cloned().unwrap_or_default();
            super::theme(&ThemeRecord { styles, ..ThemeRecord::default() })["light"]["globals"].clone()
        };
        assert_eq!(theme("#1d4ed8"), "[data-theme=\"light\"] { --primary: #1d4ed8; }");
        assert_eq!(theme("red; } * { display: none"), "");
    }
}
