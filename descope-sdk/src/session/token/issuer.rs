//! Whether a token was issued for the project.

use serde_json::{Map, Value};

use super::error::TokenError;

/// How much of a foreign issuer is shown in an error, in characters.
const MAX_SHOWN: usize = 120;

/// `iss` names the project in one of three ways, depending on the JWT template: it is the project id; it is a URL that
/// ends with it; or it is a URL in which one more segment follows (tokens of agents and MCP servers).
///
/// The host is not compared: a custom domain changes it, and the key already says who signed. What the comparison adds
/// is that a key shared by mistake, or a project's own token for another project, does not pass.
pub(crate) fn check(project_id: &str, claims: &Map<String, Value>) -> Result<(), TokenError> {
    let issuer = match claims.get("iss") {
        None | Some(Value::Null) => return Err(TokenError::MissingClaim("iss")),
        Some(Value::String(issuer)) => issuer,
        Some(_) => return Err(TokenError::InvalidClaim("iss")),
    };
    if issuer == project_id || names_in_path(issuer, project_id) {
        return Ok(());
    }
    Err(TokenError::WrongIssuer { issuer: shown(issuer).into(), project_id: project_id.into() })
}

/// An issuer as it can be shown and logged, whatever is in it: bounded, on one line, and printable.
fn shown(issuer: &str) -> String {
    let mut shown = String::new();
    for c in issuer.chars() {
        let room = MAX_SHOWN - shown.len();
        let printable = c == ' ' || c.is_ascii_graphic();
        let length = if printable { 1 } else { c.escape_default().count() };
        if length > room {
            shown.push_str("...");
            break;
        }
        if printable {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    shown
}

fn names_in_path(issuer: &str, project_id: &str) -> bool {
    let Some(rest) = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://")) else { return false };
    // The segments after the host: a host that is called like the project proves nothing.
    let Some((_host, path)) = rest.split_once('/') else { return false };
    if path.contains(['?', '#', '\\']) {
        return false;
    }
    path.rsplit('/').take(2).any(|segment| segment == project_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PROJECT: &str = "P2aaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn verdict(iss: &Value) -> Result<(), TokenError> {
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), iss.clone());
        check(PROJECT, &claims)
    }

    #[test]
    fn the_three_ways() {
        for iss in [
            PROJECT.to_owned(),
            format!("https://api.descope.com/{PROJECT}"),
            format!("https://api.descope.com/v1/apps/{PROJECT}"),
            format!("https://auth.shop.example/v1/apps/agentic/{PROJECT}/MS123"),
            format!("http://127.0.0.1:8080/{PROJECT}"),
            format!("https://api.descope.com/{PROJECT}/"),
        ] {
            assert!(verdict(&json!(iss)).is_ok(), "{iss}");
        }
    }

    #[test]
    fn anything_else_is_another_project() {
        for iss in [
            String::new(),
            "P2bbbbbbbbbbbbbbbbbbbbbbbbbb".into(),
            PROJECT.to_lowercase(),
            format!("{PROJECT} "),
            format!("x{PROJECT}"),
            format!("{PROJECT}/x"),
            format!("x/{PROJECT}"),
            format!("https://{PROJECT}"),
            format!("https://{PROJECT}/"),
            format!("https://{PROJECT}/other"),
            format!("https://{PROJECT}@evil.example/other"),
            format!("https://api.descope.com/{PROJECT}/a/b"),
            format!("https://api.descope.com/other?x=/{PROJECT}"),
            format!("https://api.descope.com/other#/{PROJECT}"),
            format!("https://api.descope.com/x{PROJECT}"),
            format!("https://api.descope.com/{PROJECT}x"),
            format!("https://api.descope.com\\{PROJECT}"),
            format!("ftp://api.descope.com/{PROJECT}"),
            format!("https:/{PROJECT}"),
        ] {
            assert!(matches!(verdict(&json!(iss)), Err(TokenError::WrongIssuer { .. })), "{iss}");
        }
    }

    #[test]
    fn the_error_names_issuer_and_project() {
        let long = format!("https://issuer.example/{}", "x".repeat(60_000));
        for (iss, issuer) in [
            ("P2bbbbbbbbbbbbbbbbbbbbbbbbbb", "P2bbbbbbbbbbbbbbbbbbbbbbbbbb"),
            ("https://api.descope.com/P2other", "https://api.descope.com/P2other"),
            ("https://auth.shop.example/v1/apps/P2other?x=1", "https://auth.shop.example/v1/apps/P2other?x=1"),
            ("", ""),
            ("a b", "a b"),
            ("a\nERROR forged line", "a\\nERROR forged line"),
            ("a\u{1b}[31mred\0", "a\\u{1b}[31mred\\u{0}"),
            ("caf\u{e9}\u{202e}", "caf\\u{e9}\\u{202e}"),
            (long.as_str(), &format!("{}...", &long[..MAX_SHOWN])),
            (&"\u{10ffff}".repeat(1000), &format!("{}...", "\\u{10ffff}".repeat(MAX_SHOWN / 10))),
        ] {
            let error = verdict(&json!(iss)).expect_err("another issuer");
            assert!(matches!(&error, TokenError::WrongIssuer { issuer: named, project_id }
                if **named == *issuer && **project_id == *PROJECT));
            let text = error.to_string();
            assert!(text.contains(issuer) && text.contains(PROJECT), "{text}");
            assert!(text.len() < 250 && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{text}");
        }
    }

    #[test]
    fn it_must_be_there_and_be_text() {
        assert!(matches!(check(PROJECT, &Map::new()), Err(TokenError::MissingClaim("iss"))));
        assert!(matches!(verdict(&json!(null)), Err(TokenError::MissingClaim("iss"))));
        for odd in [json!(1), json!([PROJECT]), json!({PROJECT: 1}), json!(true)] {
            assert!(matches!(verdict(&odd), Err(TokenError::InvalidClaim("iss"))));
        }
    }
}
