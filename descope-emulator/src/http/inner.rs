//! A call that the emulator makes itself, for somebody who has asked for more than one operation of the service does.

use std::collections::HashMap;

use descope_api::Operation;
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use super::{
    App, Call, Reply,
    credential::Caller,
    dispatch::unsaved,
    reply::{Content, Unsigned},
};
use crate::{
    error::Refusal,
    world::{Actor, Project},
};

impl App {
    /// Does something in a project as the back end could do it by an operation: whole or not at all, audited, saved, and
    /// with the tokens of the answer signed.
    pub(crate) fn act<T: Serialize>(
        &self,
        project: &Project,
        operation: &'static Operation,
        act: impl FnOnce(&mut Call<'_>) -> Result<T, Refusal>,
    ) -> Result<Value, Refusal> {
        let now = self.world.clock.now();
        let headers = HeaderMap::new();
        let (mut unsigned, mut outbox) = (Unsigned::new(), Vec::new());
        let actor = Actor { id: "emulator", ip: "", now };
        let (result, changed) = project.transact(&actor, |state| {
            state.sweep(now);
            let mut call = Call {
                operation,
                state,
                project,
                now,
                caller: Caller { managing: true, ..Caller::default() },
                path: HashMap::new(),
                query: Vec::new(),
                headers: &headers,
                ip: String::new(),
                others: Vec::new(),
                new_project: None,
                outbox: Vec::new(),
                unsigned: Unsigned::new(),
            };
            let answer = act(&mut call)?;
            (unsigned, outbox) = (call.unsigned, call.outbox);
            Reply::json(200, &answer)
        });
        if changed {
            self.world.save().map_err(unsaved)?;
        }
        let mut reply = result?;
        reply.finish(&unsigned, &project.keys(), None)?;
        for message in outbox {
            project.deliver(message);
        }
        match reply.content {
            Content::Json(mut body) => {
                self.document.fill_answer(operation.id, &mut body);
                Ok(body)
            }
            _ => Ok(Value::Null),
        }
    }
}
