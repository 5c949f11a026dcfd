//! Those who administer the project in the console.

use descope_api::types::{
    self, DescoperAttributes, DescoperCreateRequest, DescoperRbac, DescoperResponse, DescoperUpdateRequest,
    DescopersResponse,
};
use serde::{Deserialize, Serialize};

use super::search;
use crate::{
    admin::inbox::{Channel, Message},
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::Record,
};

/// One administrator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DescoperRecord {
    id: String,
    login_id: String,
    attributes: Option<DescoperAttributes>,
    roles: Option<DescoperRbac>,
}

impl Record for DescoperRecord {
    const AUDITED: Option<&'static str> = Some("Descoper");

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        vec![self.login_id.clone()]
    }
}

impl DescoperRecord {
    fn to_api(&self) -> types::Descoper {
        let mut descoper = types::Descoper::new().id(self.id.as_str()).login_ids([&self.login_id]).status("invited");
        descoper.attributes.clone_from(&self.attributes);
        descoper.rbac.clone_from(&self.roles);
        descoper
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementDescoperCreate>(create)
        .on::<op::ManagementDescoperUpdate>(update)
        .on::<op::ManagementDescoperLoad>(|call, _| {
            let id = call.query("id").unwrap_or_default();
            Ok(DescoperResponse::new().descoper(find(call, id)?.to_api()))
        })
        .on::<op::ManagementDescoperList>(|call, _| {
            let all: Vec<_> = call.state.descopers.iter().map(DescoperRecord::to_api).collect();
            let total = search::count(&all);
            Ok(DescopersResponse::new().descopers(all).total(total))
        })
        .done::<op::ManagementDescoperDelete>(|call, _| {
            let id = call.query("id").unwrap_or_default().to_owned();
            find(call, &id)?;
            call.state.descopers.remove(&mut call.state.log, &id);
            Ok(())
        });
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a DescoperRecord, Refusal> {
    call.state.descopers.get(id).ok_or_else(|| Refusal::missing("descoper", id))
}

fn create(call: &mut Call<'_>, body: DescoperCreateRequest) -> Result<DescopersResponse, Refusal> {
    let mut made = Vec::new();
    for entry in body.descopers {
        if call.state.descopers.named(&entry.login_id).is_some() {
            let message = format!("A descoper with login id {:?} exists already", entry.login_id);
            return Err(Refusal::new(&ALREADY_EXISTS, message));
        }
        let email = entry.attributes.as_ref().and_then(|attributes| attributes.email.clone());
        let to = email.filter(|email| !email.is_empty()).unwrap_or_else(|| entry.login_id.clone());
        let record = DescoperRecord {
            id: call.state.ids.id("U"),
            login_id: entry.login_id,
            attributes: entry.attributes,
            roles: entry.rbac,
        };
        if entry.send_invite == Some(true) {
            call.outbox.push(Message {
                id: 0,
                to,
                channel: Channel::Email,
                operation: call.operation.id.to_owned(),
                code: None,
                transaction_id: None,
                links: Vec::new(),
                login_id: record.login_id.clone(),
                sent_at: call.now,
            });
        }
        made.push(call.state.descopers.insert(&mut call.state.log, record)?.to_api());
    }
    let total = search::count(&made);
    Ok(DescopersResponse::new().descopers(made).total(total))
}

/// Changes what is named and keeps the rest.
fn update(call: &mut Call<'_>, body: DescoperUpdateRequest) -> Result<DescoperResponse, Refusal> {
    find(call, &body.id)?;
    let edited = call.state.descopers.edit(&mut call.state.log, &body.id, |descoper| {
        if let Some(newer) = body.attributes {
            let attributes = descoper.attributes.get_or_insert_with(DescoperAttributes::new);
            for (place, value) in [
                (&mut attributes.display_name, newer.display_name),
                (&mut attributes.email, newer.email),
                (&mut attributes.phone, newer.phone),
            ] {
                if value.is_some() {
                    *place = value;
                }
            }
        }
        if body.rbac.is_some() {
            descoper.roles = body.rbac;
        }
        Ok::<_, Refusal>(())
    })?;
    Ok(DescoperResponse::new().descoper(edited.to_api()))
}
