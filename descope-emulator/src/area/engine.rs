//! Engines, which run parts of flows at the customer's.

use descope_api::types::{
    self, EngineCreateRequest, EngineLoadAllResponse, EngineResponse, EngineRotateSecretResponse, EngineUpdateRequest,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::Record,
};

/// One engine.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct EngineRecord {
    id: String,
    name: String,
    secret: String,
    created_at: i64,
}

impl std::fmt::Debug for EngineRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Record for EngineRecord {
    const AUDITED: Option<&'static str> = Some("Engine");

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

impl EngineRecord {
    /// The engine without its secret, which is only told when it is made.
    fn to_api(&self) -> types::Engine {
        types::Engine::new().id(self.id.as_str()).name(self.name.as_str()).created_time(self.created_at)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementEngineCreate>(create)
        .on::<op::ManagementEngineUpdate>(update)
        .on::<op::ManagementEngineLoad>(|call, _| {
            let id = call.query("id").unwrap_or_default();
            Ok(EngineResponse::new().engine(find(call, id)?.to_api()))
        })
        .on::<op::ManagementEngineLoadAll>(|call, _| {
            Ok(EngineLoadAllResponse::new().engines(call.state.engines.iter().map(EngineRecord::to_api)))
        })
        .on::<op::ManagementEngineRotateSecret>(|call, body| {
            find(call, &body.id)?;
            let secret = call.state.ids.alphanumeric(44);
            let new = secret.clone();
            call.state.engines.update(&mut call.state.log, &body.id, |engine| engine.secret = new);
            Ok(EngineRotateSecretResponse::new().secret(secret))
        })
        .done::<op::ManagementEngineDelete>(|call, body| {
            find(call, &body.id)?;
            call.state.engines.remove(&mut call.state.log, &body.id);
            Ok(())
        });
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a EngineRecord, Refusal> {
    call.state.engines.get(id).ok_or_else(|| Refusal::missing("engine", id))
}

fn refuse_taken(call: &Call<'_>, name: &str, except: &str) -> Result<(), Refusal> {
    match call.state.engines.named(name) {
        Some(other) if other.id != except => {
            Err(Refusal::new(&ALREADY_EXISTS, format!("An engine with the name {name:?} exists already")))
        }
        _ => Ok(()),
    }
}

fn create(call: &mut Call<'_>, body: EngineCreateRequest) -> Result<EngineResponse, Refusal> {
    refuse_taken(call, &body.name, "")?;
    let (id, secret) = (call.state.ids.id("EN"), call.state.ids.alphanumeric(44));
    let engine = EngineRecord { id, name: body.name, secret: secret.clone(), created_at: call.now };
    let engine = call.state.engines.insert(&mut call.state.log, engine)?;
    Ok(EngineResponse::new().engine(engine.to_api().secret(secret)))
}

fn update(call: &mut Call<'_>, body: EngineUpdateRequest) -> Result<EngineResponse, Refusal> {
    find(call, &body.id)?;
    refuse_taken(call, &body.name, &body.id)?;
    let engine = call.state.engines.edit(&mut call.state.log, &body.id, |engine| {
        engine.name = body.name;
        Ok::<_, Refusal>(())
    })?;
    Ok(EngineResponse::new().engine(engine.to_api()))
}
