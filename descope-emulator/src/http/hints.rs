//! What a refusal says besides where a setting of the client is the likely reason: which variable to set.

use std::fmt::Write as _;

use http::request::Parts;

use super::{App, dispatch::path_of, router::Found};
use crate::error::{PROJECT_NOT_FOUND, Refusal, TOKEN_EXPIRED};

/// How far the emulator's clock may be from the computer's before refusals tell of it, in seconds.
const TOLERANCE: i64 = 30;

impl App {
    /// A refusal with what its reader can do about it.
    pub(super) fn with_hint(&self, mut refusal: Refusal) -> Refusal {
        let ahead = self.world.clock.ahead();
        let own = format!("Project {} ", self.project_id);
        if refusal.code == &PROJECT_NOT_FOUND && !refusal.message.starts_with(&own) {
            let _ = write!(refusal.message, "; set DESCOPE_PROJECT_ID to {}", self.project_id);
        } else if refusal.code == &TOKEN_EXPIRED && ahead.abs() > TOLERANCE {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            let away = ahead.abs();
            let _ = write!(
                refusal.message,
                "; the emulator\'s clock is {away} seconds {way} the computer\'s, see /_emulator/clock"
            );
        }
        refusal
    }

    /// What is wrong with the base URL when a path is none, but its end is one.
    pub(super) fn hint_of_path(&self, parts: &Parts) -> Option<String> {
        let path = path_of(parts);
        let is_operation = |from: usize| {
            let rest = &path[from..];
            matches!(self.routes.find(parts.method.as_str(), rest), Found::Operation(..)).then_some(from)
        };
        let end = path.match_indices('/').skip(1).take(4).find_map(|(from, _)| is_operation(from))?;
        Some(format!("; does DESCOPE_BASE_URL end with {}? It has no path", &path[..end]))
    }
}
