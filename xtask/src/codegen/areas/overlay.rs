//! `x-descope-sdk`: what an operation and a tag become in the SDK, and what is wrong with what they say.

use heck::ToSnakeCase as _;
use serde_json::Value;

use crate::document::{Document, Operation, members};

pub(crate) const NAME: &str = "x-descope-sdk";

/// In the place of the function that loads: the one that changes some of it is written by hand.
pub(crate) const BY_HAND: &str = "by_hand";

/// What an operation becomes.
#[derive(Debug, Default)]
pub(crate) struct Overlay<'a> {
    /// The function of the handle.
    pub(crate) verb: &'a str,
    /// The members that are arguments of the function; those that are required, unless it says.
    pub(crate) args: Option<Vec<&'a str>>,
    /// Where a user is named: one member that takes a login id or a user id, or one for each.
    pub(crate) user: Vec<&'a str>,
    /// Two members, in one of which what the call is about is named: by its name, or by its id.
    pub(crate) named: Vec<&'a str>,
    /// Members that are other spellings of others.
    pub(crate) hidden: Vec<&'a str>,
    /// The member of the answer that the caller gets.
    pub(crate) returns: Option<&'a str>,
    /// Members of the answer that are always there, each of use to the caller.
    pub(crate) holds: Vec<&'a str>,
    pub(crate) page: Option<Page<'a>>,
    /// Lists that select, and must not be empty.
    pub(crate) filters: Vec<&'a str>,
    /// Members of which one has to be given, because the service takes none of them for all there is.
    pub(crate) some_of: Vec<&'a str>,
    /// Arguments that are lists and may be empty, where that means something.
    pub(crate) empty: Vec<&'a str>,
    /// Arguments that are texts of several lines.
    pub(crate) lines: Vec<&'a str>,
    /// Members of the body that always have this value.
    pub(crate) sets: Vec<(&'a str, &'a Value)>,
    /// Whether what is left out is cleared.
    pub(crate) replaces: bool,
    /// The function of the area that loads what this one replaces, for a function that changes some of it; or [`BY_HAND`].
    pub(crate) modify: Option<&'a str>,
    /// Members of what is loaded whose members are those of the body, one in the other. The last has to be there.
    pub(crate) within: Vec<&'a str>,
    /// Members of the body that are not written back.
    pub(crate) leaves: Vec<&'a str>,
    /// Whether a cache can answer in the place of the service: `read` goes to the service where the cache fails.
    pub(crate) cache: Option<&'a str>,
    /// Why the function is written by hand.
    pub(crate) handwritten: Option<&'a str>,
}

/// How an answer comes in pages.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// The member or parameter that counts pages from 0.
    pub(crate) number: &'a str,
    /// The one that says how many items a page has.
    pub(crate) size: &'a str,
    pub(crate) items: &'a str,
    pub(crate) total: Option<&'a str>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn of(operation: &Operation<'a>) -> Option<Self> {
        let value = &operation.value[NAME];
        value.is_object().then(|| Self::read(value))
    }

    fn read(value: &'a Value) -> Self {
        let texts = |name: &str| -> Vec<&'a str> {
            value[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let page = &value["page"];
        Self {
            verb: value["verb"].as_str().unwrap_or_default(),
            args: value["args"].is_array().then(|| texts("args")),
            user: texts("user"),
            named: texts("named"),
            hidden: texts("hidden"),
            returns: value["returns"].as_str(),
            holds: texts("holds"),
            page: page["number"].as_str().map(|number| Page {
                number,
                size: page["size"].as_str().unwrap_or_default(),
                items: page["items"].as_str().unwrap_or_default(),
                total: page["total"].as_str(),
            }),
            filters: texts("filters"),
            some_of: texts("some_of"),
            empty: texts("empty"),
            lines: texts("lines"),
            sets: members(&value["sets"]),
            replaces: value["replaces"] == true,
            modify: value["modify"].as_str(),
            within: texts("within"),
            leaves: texts("leaves"),
            cache: value["cache"].as_str(),
            handwritten: value["handwritten"].as_str(),
        }
    }

    /// Members and parameters of the request that it names.
    pub(crate) fn of_request(&self) -> impl Iterator<Item = &'a str> {
        let page = self.page.iter().flat_map(|page| [page.number, page.size]);
        let page = page.chain(self.sets.iter().map(|(name, _)| *name));
        self.args.iter().flatten().copied().chain(page).chain(
            [&self.user, &self.named, &self.hidden, &self.filters, &self.some_of, &self.empty, &self.lines]
                .into_iter()
                .flatten()
                .copied()
                .collect::<Vec<_>>(),
        )
    }

    /// Members of the answer that it names.
    pub(crate) fn of_answer(&self) -> impl Iterator<Item = &'a str> {
        let page = self.page.iter().flat_map(|page| [Some(page.items), page.total]);
        page.flatten().chain(self.returns).chain(self.holds.clone())
    }
}

/// The area that the operations of a tag belong to, and what its handle is called if this tag declares it.
pub(crate) fn area<'a>(document: &'a Document, tag: &str) -> Option<(&'a str, Option<&'a str>)> {
    let tags = document.value["tags"].as_array()?;
    let found = &tags.iter().find(|known| known["name"] == tag)?[NAME];
    Some((found["area"].as_str()?, found["handle"].as_str()))
}

/// Whether an operation is called with a management key, if only as one of several credentials.
pub(crate) fn is_for_management(operation: &Operation<'_>) -> bool {
    let alternatives = operation.value["security"].as_array();
    alternatives.into_iter().flatten().any(|alternative| !alternative["ManagementKey"].is_null())
}

/// Whether a back end may call with a token or an access key in place of the management key. The refresh token of a user
/// does not count: it is what widgets in a browser call with.
pub(crate) fn takes_token(operation: &Operation<'_>) -> bool {
    let alternatives = operation.value["security"].as_array();
    let accepts =
        |alternative: &Value| ["SessionJwt", "AccessKey"].iter().any(|scheme| !alternative[*scheme].is_null());
    alternatives.into_iter().flatten().any(accepts)
}

/// Whether only what is sent changes, so that something can be cleared by sending it empty.
pub(crate) fn is_partial(operation: &Operation<'_>, schema: &str) -> bool {
    operation.value["x-descope-partial"] == true
        || operation.method == "patch"
        || [operation.id().unwrap_or_default(), schema]
            .iter()
            .any(|name| name.to_snake_case().split('_').any(|word| word == "patch"))
}

/// The schema of the body, and that of the answer.
pub(crate) fn schemas<'a>(document: &'a Document, operation: &Operation<'a>) -> (&'a Value, &'a Value) {
    let schema = |content: &'a Value| -> &'a Value {
        members(content).first().map_or(&Value::Null, |(_, media)| document.resolve(&media["schema"]))
    };
    let success = members(&operation.value["responses"]).into_iter().find(|(code, _)| code.starts_with('2'));
    let answer = success.map_or(&Value::Null, |(_, answer)| document.resolve(answer));
    (schema(&operation.value["requestBody"]["content"]), schema(&answer["content"]))
}

/// The parameters of an operation.
pub(crate) fn parameters<'a>(document: &'a Document, operation: &Operation<'a>) -> Vec<&'a Value> {
    let parameters = operation.value["parameters"].as_array();
    parameters.into_iter().flatten().map(|parameter| document.resolve(parameter)).collect()
}
