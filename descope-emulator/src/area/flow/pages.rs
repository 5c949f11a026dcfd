//! What the vendor's web component reads before and between its calls: which flows there are, how they look, and each screen
//! as HTML. The component loads a library of elements from elsewhere. The emulator's screens need none of it, so that a page
//! works without a network; where the component asks the emulator for it, it gets one that is as good as none.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{ScreenRecord, ThemeRecord};
use crate::{http::escape, world::State};

/// In the place of the library whose elements draw screens.
pub(crate) const LIBRARY: &str = include_str!("library.js");

/// Presses the button that has the focus, or else the first one.
const ON_ENTER: &str = "if (event.key === 'Enter') { event.preventDefault(); event.stopPropagation(); \
                        (event.target.closest('button') ?? this.querySelector('button'))?.click(); }";

const STYLE: &str = include_str!("screen.css");

/// One of the files of a project, by its name: media type and text.
pub(crate) fn page(state: &State, name: &str) -> Option<(&'static str, String)> {
    match name {
        "config.json" => Some(("application/json", config(state).to_string())),
        "theme.json" => Some(("application/json", theme(&state.theme).to_string())),
        _ => {
            let id = name.strip_suffix(".html")?;
            let screen = state.flows.iter().flat_map(|flow| &flow.screens).find(|screen| screen.id == id)?;
            Some(("text/html; charset=utf-8", html(screen, &state.theme)))
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

/// The service makes style sheets of a theme, which the emulator cannot do. One that is a style sheet already is handed on.
/// Without one the component does not wait for its library.
fn theme(theme: &ThemeRecord) -> Value {
    let side = |name: &str| {
        let style = theme.styles.get(name).unwrap_or(&Value::Null);
        let globals = style["globals"].as_str().unwrap_or_default();
        let components = if style["components"].is_object() { style["components"].clone() } else { json!({}) };
        let any = !globals.is_empty() || components != json!({});
        (any, json!({"globals": globals, "components": components}))
    };
    let [(light, of_light), (dark, of_dark)] = ["light", "dark"].map(side);
    if light || dark { json!({"light": of_light, "dark": of_dark}) } else { Value::Null }
}

/// The main colour of a theme, for the emulator's own screens.
fn colors(theme: &ThemeRecord) -> String {
    let color = |name: &str| {
        let primary = theme.styles.get(name).and_then(|style| style["primary"].as_str());
        let primary = primary.filter(|primary| is_color(primary))?;
        Some(format!("[data-theme=\"{name}\"] main {{ --primary: {primary}; }}\n"))
    };
    ["light", "dark"].into_iter().filter_map(color).collect()
}

fn is_color(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"#(),.% -".contains(&byte))
}

fn title(screen: &ScreenRecord) -> &str {
    screen.contents.get("title").and_then(Value::as_str).unwrap_or(&screen.id)
}

/// A screen that brings its own HTML is shown so; any other is made of its inputs and interactions.
///
/// The component would swallow Enter, for which it knows only buttons of its library.
fn html(screen: &ScreenRecord, theme: &ThemeRecord) -> String {
    if let Some(own) = screen.contents.get("html").and_then(Value::as_str) {
        return own.to_owned();
    }
    let mut page = format!(
        "<style>{STYLE}{}</style>\n<main onkeydown=\"{}\">\n<h1>{}</h1>\n\
         <p data-type=\"error-message\" class=\"hide\" role=\"alert\"></p>\n",
        colors(theme),
        escape(ON_ENTER),
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
    for button in listed(&screen.interactions) {
        let text = |name: &str| escape(button[name].as_str().unwrap_or_default());
        let label = if button["label"].is_string() { text("label") } else { text("id") };
        let _ = writeln!(page, "<button id=\"{}\" type=\"button\" data-type=\"button\">{label}</button>", text("id"));
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
        let page = html(&screen, &ThemeRecord::default());
        assert!(!page.contains("<script"), "{page}");
        let colors = |primary: &str| {
            let styles = json!({"light": {"primary": primary}}).as_object().cloned().unwrap_or_default();
            colors(&ThemeRecord { styles, ..ThemeRecord::default() })
        };
        assert_eq!(colors("#1d4ed8"), "[data-theme=\"light\"] main { --primary: #1d4ed8; }\n");
        assert_eq!(colors("red; } * { display: none"), "");
    }
}
