//! Lists that flows look things up in: texts, addresses with networks, or any JSON.

use descope_api::types::{
    AccessList, AccessListCheckIpRequest, AccessListCheckResponse, AccessListCheckTextRequest, AccessListCreateRequest,
    AccessListImportRequest, AccessListIpsRequest, AccessListLoadAllResponse, AccessListResponse,
    AccessListTextsRequest, AccessListUpdateRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    access_key::{in_range, is_range},
    some,
};
use crate::{
    error::{ALREADY_EXISTS, Refusal, VALIDATION_FAILED},
    http::{Call, Nothing, Table, op},
    world::Record,
};

/// What the entries of a list are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    #[default]
    Texts,
    Ips,
    Json,
}

impl Kind {
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "texts" => Ok(Self::Texts),
            "ips" => Ok(Self::Ips),
            "json" => Ok(Self::Json),
            other => Err(Refusal::invalid(format!("The type field cannot be {other:?}; it is texts, ips or json"))),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Ips => "ips",
            Self::Json => "json",
        }
    }

    /// A list of this kind with nothing in it.
    fn empty(self) -> Value {
        match self {
            Self::Texts | Self::Ips => Value::Array(Vec::new()),
            Self::Json => Value::Object(serde_json::Map::new()),
        }
    }

    /// The entries, when they are what the kind says.
    fn check(self, data: Option<Value>) -> Result<Value, Refusal> {
        let data = data.unwrap_or_else(|| self.empty());
        if self == Self::Json {
            return Ok(data);
        }
        let refuse = |why: String| Refusal::new(&VALIDATION_FAILED, why);
        let entries = data.as_array().ok_or_else(|| refuse("The data field is not an array".to_owned()))?;
        let texts: Option<Vec<&str>> = entries.iter().map(Value::as_str).collect();
        let texts = texts.ok_or_else(|| refuse("The data field holds what is not a string".to_owned()))?;
        if self == Self::Ips {
            check_ips(&texts)?;
        }
        Ok(data)
    }
}

fn check_ips<T: AsRef<str>>(ips: &[T]) -> Result<(), Refusal> {
    match ips.iter().find(|ip| !is_range(ip.as_ref())) {
        Some(ip) => {
            let message = format!("{:?} is not an address or a network", ip.as_ref());
            Err(Refusal::new(&VALIDATION_FAILED, message))
        }
        None => Ok(()),
    }
}

/// One list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ListRecord {
    id: String,
    name: String,
    description: String,
    kind: Kind,
    data: Value,
}

impl Record for ListRecord {
    const AUDITED: Option<&'static str> = Some("List");

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

impl ListRecord {
    fn to_api(&self) -> AccessList {
        AccessList::new()
            .type_(self.kind.as_str())
            .id(self.id.as_str())
            .name(self.name.as_str())
            .description(self.description.as_str())
            .data(self.data.clone())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.data.as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementListCreate>(create)
        .on::<op::ManagementListUpdate>(update)
        .done::<op::ManagementListDelete>(|call, body| {
            find(call, &body.id)?;
            call.state.lists.remove(&mut call.state.log, &body.id);
            Ok(())
        })
        .done::<op::ManagementListClear>(|call, body| change(call, &body.id, None, |_, data| data.clear()))
        .on::<op::ManagementListLoad>(|call, _| {
            Ok(AccessListResponse::new().list(find(call, call.segment("id"))?.to_api()))
        })
        .on::<op::ManagementListLoadByName>(load_by_name)
        .on::<op::ManagementListLoadAll>(|call, _| {
            Ok(AccessListLoadAllResponse::new().lists(call.state.lists.iter().map(ListRecord::to_api)))
        })
        .done::<op::ManagementListImport>(import)
        .done::<op::ManagementListAddIps>(|call, body: AccessListIpsRequest| {
            check_ips(&body.ips)?;
            change(call, &body.id, Some(Kind::Ips), |_, data| add(data, body.ips))
        })
        .done::<op::ManagementListRemoveIps>(|call, body: AccessListIpsRequest| {
            change(call, &body.id, Some(Kind::Ips), |_, data| remove(data, &body.ips))
        })
        .done::<op::ManagementListAddTexts>(|call, body: AccessListTextsRequest| {
            change(call, &body.id, Some(Kind::Texts), |_, data| add(data, body.texts))
        })
        .done::<op::ManagementListRemoveTexts>(|call, body: AccessListTextsRequest| {
            change(call, &body.id, Some(Kind::Texts), |_, data| remove(data, &body.texts))
        })
        .on::<op::ManagementListCheckIp>(check_ip)
        .on::<op::ManagementListCheckText>(check_text);
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a ListRecord, Refusal> {
    call.state.lists.get(id).ok_or_else(|| Refusal::missing("list", id))
}

/// The list of an id, which has to be of this kind.
fn of_kind<'a>(call: &'a Call<'_>, id: &str, kind: Kind) -> Result<&'a ListRecord, Refusal> {
    let list = find(call, id)?;
    if list.kind == kind {
        return Ok(list);
    }
    Err(Refusal::invalid(format!("The list {:?} is of type {}, not {}", list.name, list.kind.as_str(), kind.as_str())))
}

fn refuse_taken(call: &Call<'_>, name: &str, except: &str) -> Result<(), Refusal> {
    match call.state.lists.named(name) {
        Some(other) if other.id != except => {
            Err(Refusal::new(&ALREADY_EXISTS, format!("A list with the name {name:?} exists already")))
        }
        _ => Ok(()),
    }
}

fn create(call: &mut Call<'_>, body: AccessListCreateRequest) -> Result<AccessListResponse, Refusal> {
    let kind = Kind::parse(&body.type_)?;
    refuse_taken(call, &body.name, "")?;
    let list = ListRecord {
        id: call.state.ids.id("LI"),
        name: body.name,
        description: body.description.unwrap_or_default(),
        kind,
        data: kind.check(body.data)?,
    };
    let list = call.state.lists.insert(&mut call.state.log, list)?;
    Ok(AccessListResponse::new().list(list.to_api()))
}

fn update(call: &mut Call<'_>, body: AccessListUpdateRequest) -> Result<AccessListResponse, Refusal> {
    let kind = Kind::parse(&body.type_)?;
    find(call, &body.id)?;
    refuse_taken(call, &body.name, &body.id)?;
    let data = kind.check(body.data)?;
    let list = call.state.lists.edit(&mut call.state.log, &body.id, |list| {
        list.name = body.name;
        list.description = body.description.unwrap_or_default();
        (list.kind, list.data) = (kind, data);
        Ok::<_, Refusal>(())
    })?;
    Ok(AccessListResponse::new().list(list.to_api()))
}

/// Puts lists in place: those whose id or name is known are overwritten.
fn import(call: &mut Call<'_>, body: AccessListImportRequest) -> Result<(), Refusal> {
    for list in body.lists {
        let kind = Kind::parse(list.type_.as_deref().unwrap_or_default())?;
        let name = some(list.name).ok_or_else(|| Refusal::required("lists.name"))?;
        let known =
            list.id.as_deref().and_then(|id| call.state.lists.get(id)).or_else(|| call.state.lists.named(&name));
        let id = match (known.map(|known| known.id.clone()), some(list.id)) {
            (Some(known), _) => known,
            (None, Some(id)) => id,
            (None, None) => call.state.ids.id("LI"),
        };
        refuse_taken(call, &name, &id)?;
        let data = kind.check(list.data)?;
        let record = ListRecord { id: id.clone(), name, description: list.description.unwrap_or_default(), kind, data };
        call.state.lists.remove(&mut call.state.log, &id);
        call.state.lists.insert(&mut call.state.log, record)?;
    }
    Ok(())
}

fn load_by_name(call: &mut Call<'_>, _: Nothing) -> Result<AccessListResponse, Refusal> {
    let name = call.segment("name");
    let list = call.state.lists.named(name).ok_or_else(|| Refusal::missing("list", name))?;
    Ok(AccessListResponse::new().list(list.to_api()))
}

/// Changes the entries of a list, which has to be of a kind where one is given.
fn change(
    call: &mut Call<'_>,
    id: &str,
    kind: Option<Kind>,
    change: impl FnOnce(Kind, &mut Vec<Value>),
) -> Result<(), Refusal> {
    match kind {
        Some(kind) => of_kind(call, id, kind)?,
        None => find(call, id)?,
    };
    call.state.lists.edit(&mut call.state.log, id, |list| {
        match &mut list.data {
            Value::Array(entries) => change(list.kind, entries),
            other => *other = list.kind.empty(),
        }
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}

fn add(entries: &mut Vec<Value>, texts: Vec<String>) {
    for text in texts.into_iter().map(Value::String) {
        if !entries.contains(&text) {
            entries.push(text);
        }
    }
}

fn remove(entries: &mut Vec<Value>, texts: &[String]) {
    entries.retain(|entry| !texts.iter().any(|text| entry == text));
}

fn check_ip(call: &mut Call<'_>, body: AccessListCheckIpRequest) -> Result<AccessListCheckResponse, Refusal> {
    let list = of_kind(call, &body.id, Kind::Ips)?;
    let ip = body.ip.trim().parse();
    let ip = ip.map_err(|_| Refusal::new(&VALIDATION_FAILED, format!("{:?} is not an address", body.ip)))?;
    let exists = list.texts().any(|range| in_range(ip, range));
    Ok(AccessListCheckResponse::new().exists(exists))
}

/// Whether a text is on the list; of several, any of them or, with `matchAll`, all of them.
fn check_text(call: &mut Call<'_>, body: AccessListCheckTextRequest) -> Result<AccessListCheckResponse, Refusal> {
    let list = of_kind(call, &body.id, Kind::Texts)?;
    let wanted: Vec<String> = some(body.text).into_iter().chain(body.texts).collect();
    if wanted.is_empty() {
        return Err(Refusal::required("text"));
    }
    let on_list = |text: &String| list.texts().any(|known| known == text);
    let exists = if body.match_all == Some(true) { wanted.iter().all(on_list) } else { wanted.iter().any(on_list) };
    Ok(AccessListCheckResponse::new().exists(exists))
}
